using System.ComponentModel.DataAnnotations;
using Generation.Contracts;

namespace Generation.Api;

/// <summary>
/// What jobs cost: configuration section "Prices". A picture costs PerMegapixelStep for each million pixels and step that
/// the diffusion network works on, and PerOutputMegapixel for each million pixels handed out, times the model's factor.
/// A 512x512 picture in 25 steps is about one credit.
/// </summary>
internal sealed record PriceOptions
{
    public const string Section = "Prices";

    [Range(0, 1e6)]
    public decimal PerMegapixelStep { get; init; } = 0.15m;

    [Range(0, 1e6)]
    public decimal PerOutputMegapixel { get; init; } = 0.05m;

    /// <summary>Least price of a picture.</summary>
    [Range(0, 1e6)]
    public decimal MinimumPerPicture { get; init; } = 0.01m;

    /// <summary>The price of a request for pictures, to a ten-thousandth of a credit, rounded up.</summary>
    public Credits Of(PictureRequest request, ModelEntry model, RenderPlan plan)
    {
        decimal generated = (decimal)plan.GeneratedWidth * plan.GeneratedHeight / 1_000_000m;
        decimal output = (decimal)request.Width * request.Height / 1_000_000m;
        decimal picture = (PerMegapixelStep * generated * request.NumInferenceSteps) + (PerOutputMegapixel * output);
        decimal price = Math.Max(picture * model.PriceFactor, MinimumPerPicture) * request.NumImages;
        return Credits.Of(Math.Ceiling(price * 10_000m) / 10_000m);
    }
}
