using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// Words to clips: a Stable Diffusion 1.x model with a motion adapter between its layers. Guo et al., AnimateDiff, 2023. It knows any
/// model that is given a motion adapter; alone the model is of its own family.
/// </summary>
public sealed class AnimateDiffFamily : ModelFamily
{
    public override bool Knows(ModelSource source) => source.MotionAdapter is not null;

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new AnimateDiffModel(AnimateDiffPipeline.Load(source.Files, source.MotionAdapter!, dtype, device));
}
