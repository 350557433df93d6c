using System.Globalization;
using Generation.Diagnostics;

namespace Generation.TestSupport;

/// <summary>Lets jobs stand still between two steps, in the programs that have the folder for their faults.</summary>
public sealed class JobHolds(string folder)
{
    private static readonly Lazy<JobHolds> OfOurs = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("holds-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        FaultPoint.Folder = folder;
        return new JobHolds(folder);
    });

    /// <summary>For workers that run in this process.</summary>
    public static JobHolds OfThisProcess => OfOurs.Value;

    public string Folder { get; } = folder;

    /// <summary>
    /// The first job made from now on of which so many steps are done stands there until the hold is released or the job is to stop.
    /// </summary>
    public JobHold AtStep(int step) => At(HoldPoint.Step, step);

    /// <summary>The same, but a job that is to stop stands there all the same, as one whose step lasts.</summary>
    public JobHold InComputation(int step) => At(HoldPoint.Computation, step);

    private JobHold At(string place, int step)
    {
        string path = Path.Combine(Folder, $"{place}.{Guid.CreateVersion7():N}");
        // Nobody sees it half written
        File.WriteAllText(path, step.ToString(CultureInfo.InvariantCulture));
        File.Move(path, path + ".hold");
        return new JobHold(path, step);
    }
}

/// <summary>A job that stands still, or the wish for one. Disposing lets it go on.</summary>
public sealed class JobHold(string path, int step) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string _held = path + ".held";

    /// <summary>
    /// The files to delete, in this order, for the job to go on or never to be held, by whoever cannot call <see cref="Release"/>.
    /// </summary>
    public IReadOnlyList<string> Files => [path + ".hold", _held];

    /// <summary>Whether a job stands there.</summary>
    public bool IsReached => File.Exists(_held);

    /// <summary>Waits until a job stands there.</summary>
    public async Task ReachedAsync(CancellationToken token = default)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!IsReached)
        {
            Assert.That(TimeProvider.System.GetElapsedTime(start), Is.LessThan(Limit), $"no job has come to step {step}");
            await Task.Delay(10, token);
        }
    }

    public void Release()
    {
        foreach (string file in Files)
        {
            File.Delete(file);
        }
    }

    public void Dispose() => Release();
}
