namespace Generation.Diffusion.Pipelines;

/// <summary>Paints beyond the borders of a picture: inpainting on a larger canvas, with any model that can inpaint.</summary>
public sealed class OutpaintPipeline : DiffusionPipeline<OutpaintSettings>
{
    private readonly DiffusionPipeline<InpaintSettings> _inpaint;
    private readonly int _multiple;

    /// <summary>Over Stable Diffusion 1.x, 2.x or XL.</summary>
    public OutpaintPipeline(LatentDiffusionModel model)
    {
        _inpaint = new StableDiffusionInpaintPipeline(model);
        _multiple = model.Vae.Config.Downscale;
    }

    /// <summary>Over FLUX.1: Fill where the model is one.</summary>
    public OutpaintPipeline(FluxModel model)
    {
        bool fills = model.Transformer.Config.InChannels > 4 * model.Vae.Config.LatentChannels;
        _inpaint = fills ? new FluxFillPipeline(model) : new FluxInpaintPipeline(model);
        _multiple = model.Multiple;
    }

    public override DenoisingRun Encode(OutpaintSettings settings) => _inpaint.Encode(settings.ToInpaint(_multiple));
}
