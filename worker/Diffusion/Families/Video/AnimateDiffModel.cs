using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
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

/// <summary>A model of pictures with a motion adapter, in memory for clips.</summary>
/// <param name="pipeline">Disposed with the model.</param>
public sealed class AnimateDiffModel(AnimateDiffPipeline pipeline) : DiffusionModel
{
    public override string Family => StableDiffusionFamily.Sd15.Name;

    public override ModelAbilities Abilities => ModelAbilities.Text2Video;

    public override SchedulerConfig Scheduler => pipeline.Scheduler;

    public override PictureSize NativeSize => pipeline.NativeSize;

    public override int Multiple => pipeline.Vae.Config.Downscale << (pipeline.UNet.Config.BlockOutChannels.Count - 1);

    /// <summary>None: LoRAs of pictures are not put on clips.</summary>
    public override IReadOnlyDictionary<string, ParameterStore> Adaptable { get; } = new Dictionary<string, ParameterStore>();

    public override long[] LatentShape(PictureSize size) =>
        [1, pipeline.Vae.Config.LatentChannels, size.Height / pipeline.Vae.Config.Downscale, size.Width / pipeline.Vae.Config.Downscale];

    public override DenoisingRun Encode(Text2VideoSettings settings) => pipeline.Encode(settings);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            pipeline.Dispose();
        }
    }
}
