using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// What the runs of all Stable Diffusion pipelines share: the prompt's conditions, the guided prediction and the autoencoder.
/// </summary>
internal abstract class LatentRun : DenoisingRun
{
    private readonly ScheduledPrompts _prompts;
    private readonly LatentConditions[] _conditions;
    private readonly Tensor? _timestepCond;

    protected LatentRun(LatentDiffusionModel model, DiffusionSettings settings, RunPlan plan, bool fromImage = false)
        : base(plan.Scheduler, plan.Noise, plan.Seeds)
    {
        Model = model;
        Settings = settings;
        Plan = plan;
        Guided = model.IsGuided(settings);
        using DisposeScope scope = NewDisposeScope();
        _prompts = new ScheduledPrompts(settings, plan.Pictures);
        _conditions = [.. _prompts.Sets.Select(pictures => Keep(model.Condition(settings, pictures, plan.Size, fromImage)))];
        _timestepCond = KeepIfAny(TimestepCondition());
    }

    protected LatentDiffusionModel Model { get; }

    protected DiffusionSettings Settings { get; }

    protected RunPlan Plan { get; }

    /// <summary>Whether each step also predicts without the prompt.</summary>
    protected bool Guided { get; }

    /// <summary>
    /// Channels that are concatenated to the latents for the network, (n or 2 n, channels, height, width); null for none.
    /// </summary>
    protected Tensor? ExtraChannels { get; set; }

    /// <summary>
    /// The prompts of step <paramref name="i"/>: (2 n, length, features), the negative ones first, or (n, length, features) without
    /// guidance.
    /// </summary>
    protected Tensor Embeddings(int i) => ConditionsAt(i).Embeddings;

    /// <summary>Those of the prompts alone, without the negative ones: (n, length, features).</summary>
    protected Tensor PromptEmbeddings(int i) => Guided ? Embeddings(i).chunk(2, 0)[1] : Embeddings(i);

    /// <summary>
    /// The network's conditions at step <paramref name="i"/>, where <paramref name="scaled"/> are the latents that it will get.
    /// </summary>
    protected virtual UNetConditions Conditions(Tensor scaled, int i) =>
        new()
        {
            TextEmbeds = ConditionsAt(i).TextEmbeds,
            TimeIds = ConditionsAt(i).TimeIds,
            TimestepCond = _timestepCond,
        };

    protected override Tensor Predict(Tensor latents, int i)
    {
        Tensor input = Scheduler.ScaleModelInput(Guided ? cat([latents, latents], 0) : latents, i);
        UNetConditions conditions = Conditions(input, i);
        Tensor sample = ExtraChannels is null ? input : cat([input, ExtraChannels], 1);
        Tensor prediction = Model.UNet.Forward(sample, Scheduler.Timesteps[i], Embeddings(i), conditions);
        return Guided ? Guidance.Combine(prediction, Settings.GuidanceScale, Settings.GuidanceRescale) : prediction;
    }

    public override PictureBatch Decode(CancellationToken token = default)
    {
        using DisposeScope scope = NewDisposeScope();
        return new PictureBatch(
            Latents.clone(),
            PictureTensors.FromDecoded(Model.Vae.Decode(Model.Vae.FromDenoiser(Latents), token: token)),
            Seeds
        );
    }

    public override Picture? Preview(int index = 0)
    {
        using DisposeScope scope = NewDisposeScope();
        return Model.Preview.Render(EvenLatents()[index]);
    }

    /// <summary>
    /// Encodes one picture, (1, 3, height, width) in -1..1, into latents of every picture of the run. Each is sampled with its own
    /// generator.
    /// </summary>
    protected Tensor EncodeImage(Tensor image)
    {
        LatentDistribution distribution = Model.Vae.Encode(image);
        Tensor noise = Noise.Draw(distribution.Mean.shape[1..]);
        return Model.Vae.ToDenoiser(distribution.Sample(noise));
    }

    // A network distilled as LCM takes an embedding of the guidance scale. Luo et al., Latent Consistency Models, 2023.
    private Tensor? TimestepCondition()
    {
        if (Model.UNet.Config.TimeCondProjDim is not int width)
        {
            return null;
        }

        int half = width / 2;
        Tensor frequencies = (arange(half, dtype: ScalarType.Float32, device: Model.Device) * (-Math.Log(10000) / (half - 1))).exp();
        Tensor angles = (frequencies * ((Settings.GuidanceScale - 1) * 1000)).unsqueeze(0).expand(Plan.Pictures.Count, -1);
        return cat([angles.sin(), angles.cos()], 1);
    }

    private LatentConditions ConditionsAt(int i) => _conditions[_prompts.At(i, Scheduler.Timesteps.Count)];

    private LatentConditions Keep(LatentConditions conditions) =>
        new(Keep(conditions.Embeddings), KeepIfAny(conditions.TextEmbeds), KeepIfAny(conditions.TimeIds));

    private Tensor? KeepIfAny(Tensor? tensor) => tensor is null ? null : Keep(tensor);
}
