using Generation.Service.Jobs;

namespace Generation.Service.Tests;

public sealed class SlotGateTests
{
    [Test]
    public void TryEnter_WhenFull_LetsNobodyInUntilOneLeaves()
    {
        var gate = new SlotGate(2, TimeProvider.System);
        SlotTicket first = gate.TryEnter()!;
        Assert.That(gate.TryEnter(), Is.Not.Null);
        Assert.That((gate.IsOpen, gate.TryEnter()), Is.EqualTo((false, (SlotTicket?)null)));
        first.Dispose();
        first.Dispose();
        Assert.That((gate.IsOpen, gate.Taken), Is.EqualTo((true, 1)), "leaving twice counts once");
    }

    [Test]
    public async Task EnterAsync_WhenOneLeavesInTime_GetsItsPlace()
    {
        var gate = new SlotGate(1, TimeProvider.System);
        SlotTicket first = gate.TryEnter()!;
        Task<SlotTicket?> waiting = gate.EnterAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.That(waiting.IsCompleted, Is.False);
        first.Dispose();
        Assert.That(await waiting, Is.Not.Null);
    }

    [Test]
    public async Task EnterAsync_WhenNobodyLeaves_GivesUp()
    {
        var gate = new SlotGate(1, TimeProvider.System);
        gate.TryEnter();
        Assert.That(await gate.EnterAsync(TimeSpan.FromMilliseconds(30), CancellationToken.None), Is.Null);
    }

    [Test]
    public async Task Close_LetsWaitersGo()
    {
        var gate = new SlotGate(1, TimeProvider.System);
        gate.TryEnter();
        Task<SlotTicket?> waiting = gate.EnterAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
        gate.Close();
        Assert.That(await waiting, Is.Null);
        Assert.That((gate.IsClosed, gate.TryEnter()), Is.EqualTo((true, (SlotTicket?)null)));
    }

    [Test]
    public async Task EnterAsync_ByMany_NeverLetsInMoreThanThereAreSlots()
    {
        var gate = new SlotGate(3, TimeProvider.System);
        int inside = 0;
        int most = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, 50)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        using SlotTicket? ticket = await gate.EnterAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
                        Assert.That(ticket, Is.Not.Null);
                        int now = Interlocked.Increment(ref inside);
                        InterlockedMax(ref most, now);
                        await Task.Yield();
                        Interlocked.Decrement(ref inside);
                    })
                )
        );
        Assert.That(most, Is.InRange(1, 3));
        Assert.That(gate.Taken, Is.Zero);
    }

    [Test]
    public void Request_OfSeveralReasons_KeepsTheFirstExceptForALostLease()
    {
        using var stop = new JobStop();
        stop.Request(StopReason.CancelRequested);
        stop.Request(StopReason.Shutdown);
        Assert.That(stop.Reason, Is.EqualTo(StopReason.CancelRequested));
        stop.Request(StopReason.LeaseLost);
        Assert.That((stop.Reason, stop.Token.IsCancellationRequested), Is.EqualTo((StopReason.LeaseLost, true)));
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (value > seen)
        {
            int before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
