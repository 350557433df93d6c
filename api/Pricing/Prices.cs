using System.ComponentModel.DataAnnotations;
using Generation.Api.Kinds;
using Generation.Contracts;
using Generation.Storage.Prices;
using Microsoft.Extensions.Options;

namespace Generation.Api.Pricing;

/// <summary>
/// What jobs cost: configuration section "Prices". An output costs PerMegapixelStep for each million pixels and step that
/// the diffusion network works on, and PerOutputMegapixel for each million pixels handed out, times the model's factor.
/// Prices:Kinds:NAME overrides the figures for a kind, and a model's entry for itself. A 512x512 picture in 25 steps is
/// about one credit.
/// </summary>
internal sealed record PriceOptions
{
    public const string Section = "Prices";

    /// <summary>Credits for each million pixels and step of the diffusion network.</summary>
    [Range(0, 1e6)]
    public decimal PerMegapixelStep { get; init; } = 0.15m;

    /// <summary>Credits for each million pixels that are handed out.</summary>
    [Range(0, 1e6)]
    public decimal PerOutputMegapixel { get; init; } = 0.05m;

    /// <summary>The least price of an output.</summary>
    [Range(0, 1e6)]
    public decimal MinimumPerPicture { get; init; } = 0.01m;

    /// <summary>
    /// What a second of a worker costs, for prices derived from the seconds that finished jobs took. Null: as much as makes
    /// the usual text2img job cost what it does by the figures here.
    /// </summary>
    [Range(0, 1e6)]
    public decimal? CreditsPerSecond { get; init; }

    /// <summary>Figures of kinds, by name, over those that the kinds have of themselves.</summary>
    public Dictionary<string, KindPrice> Kinds { get; init; } = new(StringComparer.Ordinal);
}

/// <summary>
/// Prices of jobs. A model's own figures for the kind go first; then what was derived from measured seconds; then, until
/// there is that, the figures of the configuration for the kind, of the kind itself, and of the configuration in general.
/// </summary>
internal sealed class Prices(PriceOptions options)
{
    /// <summary>The price of a job, to a ten-thousandth of a credit, rounded up.</summary>
    /// <param name="job">The job.</param>
    /// <param name="measured">What was derived from measured seconds; null where nothing was.</param>
    public Credits Of(CheckedRequest job, MeasuredPrice? measured = null) => Of(job.Request.Kind, job.Plan, job.Model, measured);

    /// <inheritdoc cref="Of(CheckedRequest, MeasuredPrice)"/>
    /// <param name="kind">The job's kind.</param>
    /// <param name="plan">What is done for it.</param>
    /// <param name="model">The entry of its model.</param>
    /// <param name="measured">What was derived from measured seconds; null where nothing was.</param>
    public Credits Of(JobKind kind, JobPlan plan, ModelEntry model, MeasuredPrice? measured = null)
    {
        decimal least = Figure(kind, model, price => price.Minimum) ?? options.MinimumPerPicture;
        if (measured is not null && model.Prices?.ContainsKey(kind.WireName()) != true)
        {
            return Rounded(Math.Max(measured.Of((decimal)plan.Work), least * plan.Outputs));
        }

        decimal perOutput = Figure(kind, model, price => price.PerOutputMegapixel) ?? options.PerOutputMegapixel;
        decimal perStep = Figure(kind, model, price => price.PerMegapixelStep) ?? options.PerMegapixelStep;
        decimal output = (perStep * plan.MegapixelSteps) + (perOutput * plan.OutputMegapixels);
        return Rounded(Math.Max(output * model.PriceFactor, least) * plan.Outputs);
    }

    /// <summary>What a megapixel-step costs where it is not measured.</summary>
    public decimal PerMegapixelStep(JobKind kind, ModelEntry model) =>
        model.PriceFactor * (Figure(kind, model, price => price.PerMegapixelStep) ?? options.PerMegapixelStep);

    /// <summary>A figure of the model's entry for the kind, else of the configuration for it, else of the kind itself.</summary>
    private decimal? Figure(JobKind kind, ModelEntry model, Func<KindPrice, decimal?> figure)
    {
        KindDefinition definition = KindTable.Of(kind);
        return Find(model.Prices?.GetValueOrDefault(definition.Name))
            ?? Find(options.Kinds.GetValueOrDefault(definition.Name))
            ?? Find(definition.Price);

        decimal? Find(KindPrice? price) => price is null ? null : figure(price);
    }

    private static Credits Rounded(decimal price) => Credits.Of(Math.Ceiling(price * 10_000m) / 10_000m);
}

/// <summary>Adds prices and what derives them.</summary>
internal static class PricingSetup
{
    public static void AddPricing(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<PriceOptions>().BindConfiguration(PriceOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(p => new Prices(p.GetRequiredService<IOptions<PriceOptions>>().Value));
        builder.Services.AddSingleton<MeasuredPriceCache>();
        builder.Services.AddSingleton<PriceUpdater>();
        builder.Services.AddHostedService(p => p.GetRequiredService<PriceUpdater>());
    }
}
