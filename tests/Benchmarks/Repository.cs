namespace Generation.Benchmarks;

internal static class Repository
{
    /// <summary>The folder that holds Generation.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Generation.sln")))
            {
                return at.FullName;
            }
        }

        throw new DirectoryNotFoundException(
            $"Generation.sln is in no folder above {AppContext.BaseDirectory}: run the benchmarks from a clone."
        );
    }
}
