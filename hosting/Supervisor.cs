using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>
/// Starts processes that died again: the first time at once, then after pauses that double from a second to a minute. For a process that
/// has lived for a minute the pauses begin anew. Each process is started by itself, without waiting for another one that is starting.
/// </summary>
/// <param name="all">Returns the processes; it is called at each look.</param>
/// <param name="said">Is told of each death, start and failure.</param>
/// <param name="time">The clock.</param>
public sealed class Supervisor(Func<IReadOnlyList<Supervised>> all, IProgress<string>? said, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Fate> _fates = [];

    /// <summary>Whether something that died can be started now.</summary>
    public bool HasWork => all().Any(one => one.Process.IsMissing && FateOf(one).MayStart(time));

    /// <summary>Whether something is being started.</summary>
    public bool IsStarting => _fates.Values.Any(fate => fate.Starting is not null);

    /// <summary>The process that died most often in a row, with the number of its deaths.</summary>
    public (ManagedProcess? Process, int Deaths) Worst =>
        all().Select(one => (Process: (ManagedProcess?)one.Process, FateOf(one).Deaths)).DefaultIfEmpty().MaxBy(one => one.Deaths);

    /// <summary>Looks at each process once, and begins to start those whose pause is over.</summary>
    public async Task LookAsync(CancellationToken token)
    {
        foreach (Supervised one in all())
        {
            Fate fate = FateOf(one);
            if (fate.Starting is { IsCompleted: true } ended)
            {
                await EndAsync(one, fate, ended);
            }

            if (fate.Starting is not null)
            {
                continue;
            }

            if (!one.Process.IsMissing)
            {
                // Also where somebody else started it
                fate.IsKnownDead = false;
                continue;
            }

            if (!fate.IsKnownDead)
            {
                TellOfDeath(one, fate);
            }

            if (fate.MayStart(time))
            {
                fate.Starting = StartAsync(one, token);
                fate.StartedAt = time.GetTimestamp();
            }
        }
    }

    /// <summary>Waits until nothing is being started any more.</summary>
    public Task EndStartsAsync() =>
        Task.WhenAll(_fates.Values.Select(fate => fate.Starting).OfType<Task>())
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>What fails before the first wait is an error of the start too, and not of the look.</summary>
    private static async Task StartAsync(Supervised one, CancellationToken token) => await one.StartAsync(token);

    private async Task EndAsync(Supervised one, Fate fate, Task start)
    {
        fate.Starting = null;
        try
        {
            await start;
            fate.IsKnownDead = false;
            said?.Report($"{one.Process.Name} was started again");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            fate.Die(time);
            said?.Report($"{one.Process.Name} could not be started: {FirstLine(e.Message)}{Again(fate)}");
        }
        catch (OperationCanceledException)
        {
            // The supervisor ends
        }
    }

    private void TellOfDeath(Supervised one, Fate fate)
    {
        fate.Die(time);
        said?.Report($"{one.Process.Name} died{Again(fate)}. Its log is {one.Process.Log}");
    }

    private string Again(Fate fate) =>
        fate.Pause(time) is { Ticks: > 0 } pause
            ? $"; it is started again in {Math.Ceiling(pause.TotalSeconds)} s"
            : "; it is started again";

    private Fate FateOf(Supervised one)
    {
        if (!_fates.TryGetValue(one.Process.Name, out Fate? fate))
        {
            _fates[one.Process.Name] = fate = new Fate();
        }

        return fate;
    }

    private static string FirstLine(string text) => text.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? text[..end] : text;

    /// <summary>What has happened to one process.</summary>
    private sealed class Fate
    {
        private long _diedAt;
        private TimeSpan _pause;

        /// <summary>The number of deaths in a row.</summary>
        public int Deaths { get; private set; }

        /// <summary>Whether its death was reported and it has not been started again yet.</summary>
        public bool IsKnownDead { get; set; }

        public Task? Starting { get; set; }

        public long StartedAt { get; set; }

        public void Die(TimeProvider time)
        {
            IsKnownDead = true;
            _diedAt = time.GetTimestamp();
            bool lived = StartedAt != 0 && time.GetElapsedTime(StartedAt) > LongestPause;
            Deaths = lived ? 1 : Deaths + 1;
            _pause = Deaths == 1 ? TimeSpan.Zero : FirstPause * Math.Pow(2, Math.Min(Deaths - 2, 10));
            _pause = _pause < LongestPause ? _pause : LongestPause;
        }

        /// <summary>The rest of the pause before the next start.</summary>
        public TimeSpan Pause(TimeProvider time) => _pause - time.GetElapsedTime(_diedAt);

        public bool MayStart(TimeProvider time) => Starting is null && (!IsKnownDead || Pause(time) <= TimeSpan.Zero);
    }
}
