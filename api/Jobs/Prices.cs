using System.ComponentModel.DataAnnotations;
using Generation.Contracts;
using Generation.Storage;

namespace Generation.Api;

/// <summary>
/// What jobs cost: configuration section "Prices". An output costs PerMegapixelStep for each million pixels and step that
/// the diffusion network works on, and PerOutputMegapixel for each million pixels handed out, times the model's factor.
/// Prices:Kinds:NAME overrides the figures for a kind, and a model's entry for itself. A 512x512 picture in 25 steps is
/// about one credit.
/// </summary>
internal sealed record PriceOptions
{
    public const string Section = "Prices";

    [Range(0, 1e6)]
    public decimal PerMegapixelStep { get; init; } = 0.15m;

    [Range(0, 1e6)]
    public decimal PerOutputMegapixel { get; init; } = 0.05m;

    /// <summary>Least price of an output.</summary>
    [Range(0, 1e6)]
    public decimal MinimumPerPicture { get; init; } = 0.01m;

    /// <summary>
    /// What a second of a worker costs, for prices derived from the seconds that finished jobs took. Null: as much as makes
    /// the usual text2img job cost what it does by the figures here.
    /// </summary>
    [Range(0, 1e6)]
    public decimal? CreditsPerSecond { get; init; }

    /// <summary>
    /// Over these, by kind, until it is measured how long jobs take: edits predict three times a step where others do twice;
    /// control networks come on top of the model's own; enlarging has no steps; frames of a clip see each other.
    /// </summary>
    public Dictionary<string, KindPrice> Kinds { get; init; } = new(StringComparer.Ordinal)
    {
        ["edit"] = new() { PerMegapixelStep = 0.22m },
        ["controlnet"] = new() { PerMegapixelStep = 0.2m },
        ["super-resolution"] = new() { PerOutputMegapixel = 0.2m },
        ["video"] = new() { PerMegapixelStep = 0.2m },
    };
}

/// <summary>What a job does, as far as its price goes by it.</summary>
/// <param name="MegapixelSteps">Million pixels times steps of the diffusion network, over its passes and frames, for one output.</param>
/// <param name="OutputMegapixels">Million pixels of one output, over its frames.</param>
/// <param name="Outputs">How many of them.</param>
internal sealed record PricedWork(JobKind Kind, decimal MegapixelSteps, decimal OutputMegapixels, int Outputs)
{
    /// <summary>By what run times of jobs of this kind on one model compare: networks without steps go by what they hand out.</summary>
    public double Work => (double)((MegapixelSteps > 0 ? MegapixelSteps : OutputMegapixels) * Outputs);

    public static PricedWork Of(CheckedRequest job)
    {
        (JobRequest request, _, RenderPlan? plan) = job;
        decimal generated = plan is null ? 0 : Mega(plan.GeneratedWidth, plan.GeneratedHeight);
        return request switch
        {
            PictureRequest { HiresFix: { } fix } r => new PricedWork(
                r.Kind, (Mega(plan!.FirstWidth!.Value, plan.FirstHeight!.Value) * StepsOf(r)) + (generated * (int)(fix.Steps * fix.Strength)), Mega(r.Width, r.Height), r.NumImages),
            PictureRequest r => new PricedWork(r.Kind, generated * StepsOf(r), Mega(r.Width, r.Height), r.NumImages),
            VideoRequest r => new PricedWork(r.Kind, generated * r.NumInferenceSteps * r.NumFrames, Mega(r.Width, r.Height) * r.NumFrames, 1),
            SuperResolutionRequest r => new PricedWork(
                r.Kind, job.Model.IsPlainUpscaler ? 0 : Mega(r.Width, r.Height) / (r.Scale * r.Scale) * r.NumInferenceSteps, Mega(r.Width, r.Height), 1),
            _ => throw new ArgumentException($"{request.GetType().Name} has no price.", nameof(job)),
        };
    }

    /// <summary>Steps that are run: a picture to begin with spares some.</summary>
    private static int StepsOf(PictureRequest request) => request switch
    {
        Img2ImgRequest { Strength: var strength } => (int)(request.NumInferenceSteps * strength),
        InpaintRequest { Strength: var strength } => (int)(request.NumInferenceSteps * strength),
        _ => request.NumInferenceSteps,
    };

    private static decimal Mega(int width, int height) => (decimal)width * height / 1_000_000m;
}

/// <summary>
/// Prices of jobs. A model's own figures for the kind go first; then what was derived from measured seconds; then, until
/// there is that, the configuration's figures by kind and in general.
/// </summary>
internal sealed class Prices(PriceOptions options)
{
    /// <summary>The price of a job, to a ten-thousandth of a credit, rounded up.</summary>
    /// <param name="measured">What was derived from measured seconds; null: nothing was.</param>
    public Credits Of(CheckedRequest job, MeasuredPrice? measured = null) => Of(PricedWork.Of(job), job.Model, measured);

    /// <summary>The price of so much work with a model.</summary>
    public Credits Of(PricedWork work, ModelEntry model, MeasuredPrice? measured = null)
    {
        string kind = work.Kind.WireName();
        KindPrice? own = model.Prices?.GetValueOrDefault(kind);
        KindPrice? general = options.Kinds.GetValueOrDefault(kind);
        decimal least = own?.Minimum ?? general?.Minimum ?? options.MinimumPerPicture;
        if (own is null && measured is not null)
        {
            return Rounded(Math.Max(measured.Of((decimal)work.Work), least * work.Outputs));
        }

        decimal perOutput = own?.PerOutputMegapixel ?? general?.PerOutputMegapixel ?? options.PerOutputMegapixel;
        decimal output = ((own?.PerMegapixelStep ?? general?.PerMegapixelStep ?? options.PerMegapixelStep) * work.MegapixelSteps) + (perOutput * work.OutputMegapixels);
        decimal price = Math.Max(output * model.PriceFactor, least) * work.Outputs;
        return Rounded(price);
    }

    /// <summary>What a megapixel-step costs by the configuration and the model's entry.</summary>
    public decimal PerMegapixelStep(JobKind kind, ModelEntry model) => model.PriceFactor
        * (model.Prices?.GetValueOrDefault(kind.WireName())?.PerMegapixelStep ?? options.Kinds.GetValueOrDefault(kind.WireName())?.PerMegapixelStep ?? options.PerMegapixelStep);

    private static Credits Rounded(decimal price) => Credits.Of(Math.Ceiling(price * 10_000m) / 10_000m);
}
