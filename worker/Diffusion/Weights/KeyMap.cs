using System.Text.RegularExpressions;

namespace Generation.Diffusion.Weights;

/// <summary>A table of how a format's keys are called here: patterns tried in order, the first that matches says.</summary>
internal sealed class KeyMap(params (string Pattern, string Replacement)[] rules)
{
    private readonly (Regex Pattern, string Replacement)[] _rules =
    [
        .. rules.Select(rule =>
            (new Regex("^" + rule.Pattern + "$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)), rule.Replacement)
        ),
    ];

    /// <summary>The new name, or null if no rule knows the key.</summary>
    public string? Rename(string key)
    {
        foreach ((Regex pattern, string replacement) in _rules)
        {
            Match match = pattern.Match(key);
            if (match.Success)
            {
                return match.Result(replacement);
            }
        }

        return null;
    }
}
