using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>Clips from a picture, with which they begin. Blattmann et al., Stable Video Diffusion, 2023.</summary>
public sealed class StableVideoDiffusionFamily : ModelFamily
{
    public override bool Knows(ModelSource source) => source.Files.PipelineClass.Contains("StableVideoDiffusion", StringComparison.Ordinal);

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new StableVideoDiffusionModel(StableVideoDiffusionPipeline.Load(source.Files, dtype, device));
}

/// <summary>A loaded Stable Video Diffusion model.</summary>
/// <param name="pipeline">The pipeline, which is disposed with the model.</param>
public sealed class StableVideoDiffusionModel(StableVideoDiffusionPipeline pipeline) : DiffusionModel
{
    public override string Family => "svd";

    public override ModelAbilities Abilities => ModelAbilities.Img2Video;

    public override SchedulerConfig Scheduler => pipeline.Scheduler;

    public override PictureSize NativeSize => StableVideoDiffusionPipeline.NativeSize;

    public override int Multiple => pipeline.Vae.Config.Downscale << (pipeline.UNet.Config.BlockOutChannels.Count - 1);

    public override int? NativeFrames => pipeline.UNet.Config.NumFrames;

    public override ModelDefaults Defaults => new(Steps: 25, GuidanceScale: 3, Scheduler: "auto", RelativeCost: 4);

    /// <summary>Empty: no adapters are published for it.</summary>
    public override IReadOnlyDictionary<string, ParameterStore> Adaptable { get; } = new Dictionary<string, ParameterStore>();

    public override long[] LatentShape(PictureSize size) => [1, .. pipeline.Vae.Config.LatentShape(size.Width, size.Height)];

    public override DenoisingRun Encode(Img2VideoSettings settings) => pipeline.Encode(settings);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            pipeline.Dispose();
        }
    }
}
