using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// What the runs of all FLUX pipelines share: prompts, prediction and autoencoder. Latents are packed: (n, tokens, 4 channels).
/// </summary>
internal abstract class FluxRun : DenoisingRun
{
    private readonly FluxConditions _prompts;
    private readonly FluxConditions? _negatives;
    private readonly Tensor _textIds;
    private readonly Tensor _imageIds;
    private readonly double? _guidance;

    protected FluxRun(FluxModel model, DiffusionSettings settings, FluxPlan plan)
        : base(plan.Scheduler, plan.Noise, plan.Seeds)
    {
        Model = model;
        Plan = plan;
        _guidance = model.Transformer.Config.GuidanceEmbeds ? settings.GuidanceScale : null;
        using DisposeScope scope = NewDisposeScope();
        _prompts = Keep(
            model.Condition(
                plan.Pictures.Select(picture => (picture.Prompt, Or(picture.Prompt2, picture.Prompt))),
                plan.Options.MaxSequenceLength
            )
        );
        if (plan.Options.TrueCfgScale > 1 && plan.Pictures.Any(picture => picture.NegativePrompt is not null))
        {
            _negatives = Keep(
                model.Condition(
                    plan.Pictures.Select(picture =>
                        (picture.NegativePrompt ?? "", Or(picture.NegativePrompt2, picture.NegativePrompt ?? ""))
                    ),
                    plan.Options.MaxSequenceLength
                )
            );
        }

        long[] shape = plan.LatentShape(model);
        _textIds = Keep(zeros([plan.Options.MaxSequenceLength, 3], dtype: ScalarType.Float32, device: model.Device));
        _imageIds = Keep(FluxLatents.Positions(shape[1], shape[2]).to(model.Device));
    }

    protected FluxModel Model { get; }

    protected FluxPlan Plan { get; }

    /// <summary>Features that the network takes beside each token, (n, tokens, features); null for none.</summary>
    protected Tensor? ExtraFeatures { get; set; }

    public override PictureBatch Decode(CancellationToken token = default)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] shape = Plan.LatentShape(Model);
        Tensor latents = Model.Vae.FromDenoiser(FluxLatents.Unpack(Latents, shape[1], shape[2]));
        return new PictureBatch(Latents.clone(), PictureTensors.FromDecoded(Model.Vae.Decode(latents, token: token)), Seeds);
    }

    public override Picture? Preview(int index = 0)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] shape = Plan.LatentShape(Model);
        return Model.Preview.Render(FluxLatents.Unpack(EvenLatents(), shape[1], shape[2])[index]);
    }

    protected override Tensor Predict(Tensor latents, int i)
    {
        Tensor input = ExtraFeatures is null ? latents : cat([latents, ExtraFeatures], 2);
        Tensor prediction = Predict(input, i, _prompts);
        if (_negatives is null)
        {
            return prediction;
        }

        Tensor negative = Predict(input, i, _negatives);
        return negative + (Plan.Options.TrueCfgScale * (prediction - negative));
    }

    /// <summary>
    /// Encodes one picture, (1, 3, height, width) in -1..1, into latents of every picture of the run, not packed. Each is sampled with its
    /// own generator.
    /// </summary>
    protected Tensor EncodeImage(Tensor image)
    {
        LatentDistribution distribution = Model.Vae.Encode(image);
        return Model.Vae.ToDenoiser(distribution.Sample(Noise.Draw(distribution.Mean.shape[1..])));
    }

    private static string Or(string? second, string first) => string.IsNullOrEmpty(second) ? first : second;

    private Tensor Predict(Tensor input, int i, FluxConditions conditions) =>
        Model.Transformer.Forward(
            input,
            Scheduler.Timesteps[i] / 1000,
            conditions.Embeddings,
            conditions.Pooled,
            _textIds,
            _imageIds,
            _guidance
        );

    private FluxConditions Keep(FluxConditions conditions) => new(Keep(conditions.Embeddings), Keep(conditions.Pooled));
}
