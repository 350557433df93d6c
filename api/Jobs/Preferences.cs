using System.Globalization;
using System.Text;
using Generation.Api.Web;

namespace Generation.Api.Jobs;

/// <summary>Says of a route, for the API's description, that it takes an Idempotency-Key.</summary>
internal sealed record TakesIdempotencyKey;

/// <summary>What a submission asks for in its headers.</summary>
/// <param name="Wait">How long the answer may wait for the job's end, by "Prefer: wait=N"; null: it is given at once.</param>
/// <param name="IdempotencyKey">
/// The key by which a repeated request is known to be the same, by "Idempotency-Key"; null: there is none.
/// </param>
internal sealed record Preferences(TimeSpan? Wait, string? IdempotencyKey)
{
    public const int MaxWaitSeconds = 60;
    private const int MaxKeyLength = 255;

    /// <summary>Reads the headers.</summary>
    /// <exception cref="ProblemException">A header's value is not allowed.</exception>
    public static Preferences Of(HttpRequest request) => new(WaitOf(request), KeyOf(request));

    private static TimeSpan? WaitOf(HttpRequest request)
    {
        foreach (
            string preference in request.Headers["Prefer"].SelectMany(v => (v ?? "").Split([',', ';'], StringSplitOptions.TrimEntries))
        )
        {
            string[] parts = preference.Split('=', 2, StringSplitOptions.TrimEntries);
            if (!parts[0].Equals("wait", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            string value = parts.Length == 2 ? parts[1].Trim('"') : MaxWaitSeconds.ToString();
            return
                int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
                && seconds is >= 1 and <= MaxWaitSeconds
                ? TimeSpan.FromSeconds(seconds)
                : throw new ProblemException(
                    400,
                    "invalid_header",
                    $"The header 'Prefer: wait=N' takes 1 to {MaxWaitSeconds} seconds, and has '{ErrorText.Shown(value)}'."
                );
        }

        return null;
    }

    private static string? KeyOf(HttpRequest request)
    {
        if (!request.Headers.TryGetValue("Idempotency-Key", out Microsoft.Extensions.Primitives.StringValues values))
        {
            return null;
        }

        string key = values.ToString().Trim('"');
        return key.Length is >= 1 and <= MaxKeyLength && Ascii.IsValid(key) && !key.Any(char.IsControl)
            ? key
            : throw new ProblemException(
                400,
                "invalid_header",
                $"The header Idempotency-Key takes 1 to {MaxKeyLength} visible ASCII characters, and has {key.Length}."
            );
    }
}
