using System.Globalization;
using Generation.Contracts;

namespace Generation.Api.Faces.Dezgo;

/// <summary>
/// The published price formulas, in that service's credits of a ten-thousandth of a dollar: generation
/// (pixels * 6.849e-6 - 1.133) * steps with at least 512 x 512 pixels and 10 steps, upscaling pixels * 4.9278e-5 with at
/// least 320 x 320 pixels; rounded down, as the published tables are.
/// </summary>
internal static class DezgoPrices
{
    public const decimal CreditsPerUsd = 10_000m;

    private const decimal PerPixel = 6.849e-6m;
    private const decimal Offset = 1.133m;
    private const decimal PerUpscaledPixel = 4.9278e-5m;

    /// <summary>Credits for a picture of <paramref name="width"/> x <paramref name="height"/> pixels.</summary>
    public static decimal Generation(int width, int height, int steps)
    {
        decimal pixels = Math.Max((long)width * height, 512 * 512);
        return Math.Floor(((pixels * PerPixel) - Offset) * Math.Max(steps, 10));
    }

    /// <summary>Credits for enlarging a picture of <paramref name="width"/> x <paramref name="height"/> pixels twice.</summary>
    public static decimal Upscale(int width, int height) => Math.Floor(Math.Max((long)width * height, 320 * 320) * PerUpscaledPixel);

    /// <summary>What so many of that service's credits are in ours.</summary>
    public static Credits ToCredits(decimal credits, DezgoTable table) => Credits.Of(credits / CreditsPerUsd / table.UsdPerCredit);

    /// <summary>Dollars, as headers say them.</summary>
    public static decimal ToUsd(Credits credits, DezgoTable table) => credits.Value * table.UsdPerCredit;

    /// <summary>An amount of dollars as text: at least four digits behind the point, and all that there are.</summary>
    public static string Text(decimal usd) => usd.ToString("0.0000########", CultureInfo.InvariantCulture);
}
