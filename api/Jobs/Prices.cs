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
    public Dictionary<string, KindPrice> Kinds { get; init; } =
        new(StringComparer.Ordinal)
        {
            ["edit"] = new() { PerMegapixelStep = 0.22m },
            ["controlnet"] = new() { PerMegapixelStep = 0.2m },
            ["super-resolution"] = new() { PerOutputMegapixel = 0.2m },
            ["video"] = new() { PerMegapixelStep = 0.2m },
        };
}

/// <summary>
/// Prices of jobs. A model's own figures for the kind go first; then what was derived from measured seconds; then, until
/// there is that, the configuration's figures by kind and in general.
/// </summary>
internal sealed class Prices(PriceOptions options)
{
    /// <summary>The price of a job, to a ten-thousandth of a credit, rounded up.</summary>
    /// <param name="measured">What was derived from measured seconds; null: nothing was.</param>
    public Credits Of(CheckedRequest job, MeasuredPrice? measured = null) => Of(job.Request.Kind, job.Plan, job.Model, measured);

    /// <inheritdoc cref="Of(CheckedRequest, MeasuredPrice)"/>
    public Credits Of(JobKind of, JobPlan plan, ModelEntry model, MeasuredPrice? measured = null)
    {
        string kind = of.WireName();
        KindPrice? own = model.Prices?.GetValueOrDefault(kind);
        KindPrice? general = options.Kinds.GetValueOrDefault(kind);
        decimal least = own?.Minimum ?? general?.Minimum ?? options.MinimumPerPicture;
        if (own is null && measured is not null)
        {
            return Rounded(Math.Max(measured.Of((decimal)plan.Work), least * plan.Outputs));
        }

        decimal perOutput = own?.PerOutputMegapixel ?? general?.PerOutputMegapixel ?? options.PerOutputMegapixel;
        decimal output =
            ((own?.PerMegapixelStep ?? general?.PerMegapixelStep ?? options.PerMegapixelStep) * plan.MegapixelSteps)
            + (perOutput * plan.OutputMegapixels);
        decimal price = Math.Max(output * model.PriceFactor, least) * plan.Outputs;
        return Rounded(price);
    }

    /// <summary>What a megapixel-step costs by the configuration and the model's entry.</summary>
    public decimal PerMegapixelStep(JobKind kind, ModelEntry model) =>
        model.PriceFactor
        * (
            model.Prices?.GetValueOrDefault(kind.WireName())?.PerMegapixelStep
            ?? options.Kinds.GetValueOrDefault(kind.WireName())?.PerMegapixelStep
            ?? options.PerMegapixelStep
        );

    private static Credits Rounded(decimal price) => Credits.Of(Math.Ceiling(price * 10_000m) / 10_000m);
}
