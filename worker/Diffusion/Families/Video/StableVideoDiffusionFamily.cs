using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>A picture to clips that begin with it. Blattmann et al., Stable Video Diffusion, 2023.</summary>
public sealed class StableVideoDiffusionFamily : ModelFamily
{
    public override bool Knows(ModelSource source) => source.Files.PipelineClass.Contains("StableVideoDiffusion", StringComparison.Ordinal);

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new StableVideoDiffusionModel(StableVideoDiffusionPipeline.Load(source.Files, dtype, device));
}
