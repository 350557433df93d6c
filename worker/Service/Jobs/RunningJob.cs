using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Service.Jobs;

/// <summary>One claimed job while this worker runs it.</summary>
internal sealed class RunningJob(ClaimedJob claim, SlotTicket slot) : IDisposable
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _leaseNudge = new(0);
    private JobProgress _progress = new(0, 1);

    public ClaimedJob Claim { get; } = claim;

    public JobStop Stop { get; } = new();

    /// <summary>The job's slot, which is given back as soon as nothing is left to compute.</summary>
    public SlotTicket Slot { get; } = slot;

    /// <summary>What another worker needs to go on from here.</summary>
    public JobSnapshot Snapshot { get; } = new();

    /// <summary>The checkpoint that the job's row names, as far as this worker knows.</summary>
    public JobCheckpoint? StoredCheckpoint { get; set; }

    public JobProgress Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }

    /// <summary>Where some of its outputs could not be made: what is charged, and what is told; null where all were.</summary>
    public PartMade? Part { get; set; }

    /// <summary>The share of the steps that are done, from 0 to 1: what a cancelled job is charged for.</summary>
    public double FractionDone => Progress is { Steps: > 0 } progress ? Math.Clamp((double)progress.Step / progress.Steps, 0, 1) : 0;

    /// <summary>Completes when nothing of the job is left in this process.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Makes the lease keeper ask the database now.</summary>
    public void LookAtLease()
    {
        try
        {
            _leaseNudge.Release();
        }
        catch (ObjectDisposedException)
        {
            // The job is over
        }
    }

    /// <summary>Waits for <see cref="LookAtLease"/>, or until <paramref name="time"/> has passed.</summary>
    public async Task WaitForLeaseTimeAsync(TimeSpan time, CancellationToken cancellationToken) =>
        await _leaseNudge.WaitAsync(time, cancellationToken);

    public void Dispose()
    {
        Slot.Dispose();
        Stop.Dispose();
        Snapshot.Dispose();
        _leaseNudge.Dispose();
        _finished.TrySetResult();
    }
}
