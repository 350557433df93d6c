using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Paints inside a mask with Stable Diffusion 1.x, 2.x and XL: with networks of 9 channels, which take mask and masked picture as inputs,
/// and with those of 4, whose latents outside the mask are replaced after each step. Reference: diffusers 0.35.2,
/// StableDiffusionInpaintPipeline and StableDiffusionXLInpaintPipeline.
/// </summary>
public sealed class StableDiffusionInpaintPipeline(LatentDiffusionModel model) : DiffusionPipeline<InpaintSettings>
{
    public LatentDiffusionModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="LatentDiffusionModel.FromPretrained"/>
    public static StableDiffusionInpaintPipeline FromPretrained(
        string path,
        ScalarType dtype = ScalarType.Float32,
        Device? device = null
    ) => new(LatentDiffusionModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(InpaintSettings settings)
    {
        int latents = Model.Vae.Config.LatentChannels;
        if (Model.UNet.Config.InChannels != latents && Model.UNet.Config.InChannels != (2 * latents) + 1)
        {
            throw new SettingException(
                "model",
                $"takes {Model.UNet.Config.InChannels} channels; inpainting needs {latents} or {(2 * latents) + 1}."
            );
        }

        return new Run(
            Model,
            settings,
            RunPlan.For(
                Model,
                settings,
                PictureSize.Cut(settings.Image, Model.Vae.Config.Downscale),
                settings.Strength,
                settings.DenoisingStart
            )
        );
    }

    private sealed class Run : LatentRun
    {
        private readonly InpaintArea _area;
        private readonly Tensor _noise;
        private readonly Tensor _mask;
        private readonly Tensor? _kept;

        public Run(LatentDiffusionModel model, InpaintSettings settings, RunPlan plan)
            : base(model, settings, plan, fromImage: true)
        {
            _area = InpaintArea.Of(settings, plan.Size);
            bool seesMask = model.UNet.Config.InChannels != model.Vae.Config.LatentChannels;
            using DisposeScope scope = NewDisposeScope();
            Tensor image = _area.Image().to(model.Device);
            Tensor mask = _area.Mask().to(model.Device);
            bool fromNoise = settings.Strength == 1 && settings.DenoisingStart is null;

            // The draws come in the reference's order: the picture's latents where they are needed, the noise, the masked picture's
            // latents.
            Tensor? kept = !seesMask || !fromNoise ? EncodeImage(image) : null;
            Tensor noise = Noise.Draw(plan.LatentShape(model));
            Tensor maskedLatents = EncodeImage(image * (mask < 0.5).to(ScalarType.Float32));
            Tensor smallMask = F.interpolate(mask, size: plan.LatentShape(model)[1..]);
            SetLatents(
                fromNoise ? noise * Scheduler.InitNoiseSigma
                : settings.DenoisingStart is null ? Scheduler.AddNoise(kept!, noise, Scheduler.BeginIndex)
                : kept!.clone()
            );

            _noise = Keep(noise);
            _mask = Keep(smallMask);
            _kept = seesMask ? null : Keep(kept!);
            if (seesMask)
            {
                Tensor channels = cat([smallMask.expand(plan.Pictures.Count, -1, -1, -1), maskedLatents], 1);
                ExtraChannels = Keep(Guided ? cat([channels, channels], 0) : channels);
            }
        }

        public override PictureBatch Decode(CancellationToken token = default) => _area.Finish(base.Decode(token));

        protected override Tensor AfterStep(Tensor latents, int i)
        {
            if (_kept is null)
            {
                return latents;
            }

            Tensor outside = i + 1 < Scheduler.EndIndex ? Scheduler.AddNoise(_kept, _noise, i + 1) : _kept;
            return ((1 - _mask) * outside) + (_mask * latents);
        }
    }
}
