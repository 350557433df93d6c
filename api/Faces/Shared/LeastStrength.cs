namespace Generation.Api.Faces;

/// <summary>Services take a strength of 0; here one step at least is run.</summary>
internal static class LeastStrength
{
    /// <summary>The strength, or the least that leaves one of so many steps to run.</summary>
    public static double? Of(double? strength, int steps) =>
        strength is { } given ? Math.Max(given, Math.Min(1, (1.0 / Math.Max(1, steps)) + 0.0001)) : null;
}
