using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Changes a picture as an instruction in words says. Brooks et al., InstructPix2Pix, 2023. Reference: diffusers 0.35.2,
/// StableDiffusionInstructPix2PixPipeline.
/// </summary>
public sealed class InstructPix2PixPipeline(LatentDiffusionModel model) : DiffusionPipeline<EditSettings>
{
    public LatentDiffusionModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="LatentDiffusionModel.FromPretrained"/>
    public static InstructPix2PixPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(LatentDiffusionModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(EditSettings settings)
    {
        int latents = Model.Vae.Config.LatentChannels;
        return Model.UNet.Config.InChannels == 2 * latents
            ? new Run(Model, settings, RunPlan.For(Model, settings, PictureSize.Cut(settings.Image, Model.Vae.Config.Downscale)))
            : throw new SettingException(
                "model",
                $"takes {Model.UNet.Config.InChannels} channels; editing by instruction needs {2 * latents}."
            );
    }

    private sealed class Run : LatentRun
    {
        private readonly EditSettings _settings;
        private readonly bool _threefold;
        private readonly Tensor _image;

        public Run(LatentDiffusionModel model, EditSettings settings, RunPlan plan)
            : base(model, settings, plan)
        {
            _settings = settings;
            _threefold = Guided && settings.ImageGuidanceScale >= 1;
            using DisposeScope scope = NewDisposeScope();
            Tensor image = PictureTensors.ForAutoencoder(settings.Image, plan.Size).to(model.Device);
            Tensor latents = model.Vae.Encode(image).Mean.expand(plan.Pictures.Count, -1, -1, -1);
            Tensor noise = Noise.Draw(plan.LatentShape(model));
            SetLatents(noise * Scheduler.InitNoiseSigma);
            if (_threefold)
            {
                // instruction and picture, picture alone, neither: as in Prompts
                _image = Keep(cat([latents, latents, zeros_like(latents)], 0));
            }
            else
            {
                _image = Keep(latents.clone());
            }
        }

        private Tensor Prompts(int i)
        {
            if (!_threefold)
            {
                return PromptEmbeddings(i);
            }

            Tensor[] halves = Embeddings(i).chunk(2, 0);
            return cat([halves[1], halves[0], halves[0]], 0);
        }

        protected override Tensor Predict(Tensor latents, int i)
        {
            Tensor input = Scheduler.ScaleModelInput(_threefold ? cat([latents, latents, latents], 0) : latents, i);
            Tensor prediction = Model.UNet.Forward(cat([input, _image], 1), Scheduler.Timesteps[i], Prompts(i), Conditions(input, i));
            if (!_threefold)
            {
                return prediction;
            }

            Tensor[] parts = prediction.chunk(3, 0);
            return parts[2] + (_settings.GuidanceScale * (parts[0] - parts[1])) + (_settings.ImageGuidanceScale * (parts[1] - parts[2]));
        }
    }
}
