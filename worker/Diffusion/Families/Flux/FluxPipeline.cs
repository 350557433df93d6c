using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>Generates pictures from a prompt with FLUX.1 schnell and dev. Reference: diffusers 0.35.2, FluxPipeline.</summary>
public sealed class FluxPipeline(FluxModel model) : DiffusionPipeline<Text2ImgSettings>
{
    public FluxModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="FluxModel.FromPretrained"/>
    public static FluxPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(FluxModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(Text2ImgSettings settings) =>
        Model.Transformer.Config.InChannels == 4 * Model.Vae.Config.LatentChannels
            ? new Run(Model, settings, FluxPlan.For(Model, settings))
            : throw new SettingException(
                "model",
                $"takes {Model.Transformer.Config.InChannels} features for each token, which is not text2img: it needs a picture beside "
                    + "the prompt."
            );

    private sealed class Run : FluxRun
    {
        public Run(FluxModel model, Text2ImgSettings settings, FluxPlan plan)
            : base(model, settings, plan)
        {
            using DisposeScope scope = NewDisposeScope();
            SetLatents(FluxLatents.Pack(Noise.Draw(plan.LatentShape(model))));
        }
    }
}
