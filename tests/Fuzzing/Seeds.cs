namespace Generation.Fuzzing;

/// <summary>Small right files.</summary>
internal static class Seeds
{
    /// <summary>A PNG of one pixel.</summary>
    public static readonly byte[] Picture = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    );

    /// <summary>A picture as a JSON string has it: right, or wrong in one of many ways.</summary>
    public static string PictureText(Mutator mutator) =>
        mutator.Random.Next(5) switch
        {
            0 => Convert.ToBase64String(Picture),
            1 => "data:image/png;base64," + Convert.ToBase64String(mutator.Change(Picture)),
            2 => Convert.ToBase64String(mutator.Change(Picture)) + "%3D",
            3 => Convert.ToBase64String(new byte[mutator.Random.Next(20_000)]),
            _ => "data:image/png;base64," + Convert.ToBase64String(Picture),
        };
}
