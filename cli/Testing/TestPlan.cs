using Generation.Hosting;

namespace Generation.Cli.Testing;

/// <summary>
/// Which test project runs next. Three run at a time, on as few as two cores: those that wait, for processes that start or for what they
/// are told, leave cores to one that computes. Two that compute would take the same cores from each other.
/// </summary>
/// <param name="projects">The names of those to run, in their order.</param>
internal sealed class TestPlan(IEnumerable<string> projects)
{
    /// <summary>How many projects run at a time.</summary>
    public const int AtATime = 3;

    private static readonly string[] LongestFirst =
    [
        "Generation.Chaos.Tests",
        "Generation.EndToEnd.Tests",
        "Generation.Service.Tests",
        "Generation.Diffusion.Tests",
        "Generation.Browser.Tests",
        "Generation.Api.Tests",
        "Generation.Faces.Tests",
        "Generation.Storage.Tests",
        "Generation.Imaging.Tests",
    ];

    /// <summary>Those about how a computation is spread over threads, which have every core.</summary>
    private static readonly string[] AboutThreads = ["Generation.Kernels.Tests", "Generation.Torch.Tests"];

    private static readonly HashSet<string> Computing =
    [
        "Generation.Diffusion.Tests",
        "Generation.Imaging.Tests",
        "Generation.Kernels.Tests",
        "Generation.Service.Tests",
        "Generation.Torch.Tests",
    ];

    private readonly Lock _lock = new();
    private readonly List<string> _left = [.. projects];
    private bool _computes;

    /// <summary>Every test project of a clone, the longest first, so that at the end none is left to run alone for long.</summary>
    public static TestPlan Of(Clone clone) =>
        new(
            Directory
                .EnumerateFiles(Path.Combine(clone.Root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories)
                .Select(path => Path.GetFileNameWithoutExtension(path))
                .OrderBy(name => Array.IndexOf(LongestFirst, name) is var place && place < 0 ? LongestFirst.Length : place)
                .ThenBy(name => name, StringComparer.Ordinal)
        );

    /// <summary>Whether a project is about how a computation is spread over threads.</summary>
    public static bool IsAboutThreads(string project) => AboutThreads.Contains(project);

    /// <summary>Runs them all, <see cref="AtATime"/> at a time.</summary>
    /// <param name="run">Runs one.</param>
    /// <param name="token">No other is begun when it is cancelled.</param>
    public Task RunAsync(Func<string, Task> run, CancellationToken token) =>
        Task.WhenAll(
            Enumerable
                .Range(0, AtATime)
                .Select(async _ =>
                {
                    while (Next() is { } project)
                    {
                        token.ThrowIfCancellationRequested();
                        await run(project);
                        Ended(project);
                    }
                })
        );

    /// <summary>
    /// The next that may run beside those that do; null where there is none: whoever runs one that computes comes to what is left.
    /// </summary>
    private string? Next()
    {
        lock (_lock)
        {
            string? next = _left.Find(project => !_computes || !Computing.Contains(project));
            if (next is not null)
            {
                _left.Remove(next);
                _computes |= Computing.Contains(next);
            }

            return next;
        }
    }

    private void Ended(string project)
    {
        lock (_lock)
        {
            _computes &= !Computing.Contains(project);
        }
    }
}
