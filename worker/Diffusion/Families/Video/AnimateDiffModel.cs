using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// Clips from a prompt, by a Stable Diffusion 1.x model with a motion adapter between its layers. Guo et al., AnimateDiff, 2023. Any model
/// that is given a motion adapter is of this family; without the adapter it is of its own.
/// </summary>
public sealed class AnimateDiffFamily : ModelFamily
{
    public override bool Knows(ModelSource source) => source.MotionAdapter is not null;

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new AnimateDiffModel(AnimateDiffPipeline.Load(source.Files, source.MotionAdapter!, dtype, device));
}

/// <summary>A loaded model of pictures with a motion adapter, for clips.</summary>
/// <param name="pipeline">The pipeline, which is disposed with the model.</param>
public sealed class AnimateDiffModel(AnimateDiffPipeline pipeline) : DiffusionModel
{
    public override string Family => StableDiffusionFamily.Sd15.Name;

    public override ModelAbilities Abilities => ModelAbilities.Text2Video;

    public override SchedulerConfig Scheduler => pipeline.Scheduler;

    public override PictureSize NativeSize => pipeline.NativeSize;

    public override int Multiple => pipeline.Vae.Config.Downscale << (pipeline.UNet.Config.BlockOutChannels.Count - 1);

    /// <summary>Empty: LoRAs for pictures are not applied to clips.</summary>
    public override IReadOnlyDictionary<string, ParameterStore> Adaptable { get; } = new Dictionary<string, ParameterStore>();

    public override long[] LatentShape(PictureSize size) => [1, .. pipeline.Vae.Config.LatentShape(size.Width, size.Height)];

    public override DenoisingRun Encode(Text2VideoSettings settings) => pipeline.Encode(settings);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            pipeline.Dispose();
        }
    }
}
