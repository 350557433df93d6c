namespace Generation.Diffusion.Weights;

/// <summary>Formats lists of keys for messages.</summary>
internal static class KeyReport
{
    /// <summary>Returns "Title (count): a, b, c." on a line of its own, or nothing for no keys. All keys are listed.</summary>
    public static string Line(string title, IReadOnlyCollection<string> keys) =>
        keys.Count == 0 ? "" : $"{Environment.NewLine}{title} ({keys.Count}): {string.Join(", ", keys.Order(StringComparer.Ordinal))}.";
}
