using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Video;

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
