using Generation.Storm;

namespace Generation.Chaos.Tests;

/// <summary>A slice of the storm that `bench storm` makes: each kind of fault, amid jobs that come and go.</summary>
public sealed class StormTests
{
    [Test, CancelAfter(2_400_000)]
    public async Task Storm_EveryKindOfFaultAmidTwoThousandJobs_LeavesEveryJobDoneAndPaidOnce(CancellationToken token)
    {
        var options = new StormOptions
        {
            Jobs = 2000,
            Faults = 20,
            Clients = 32,
            BrokerOutage = TimeSpan.FromSeconds(10),
            Outage = TimeSpan.FromSeconds(1),
        };

        StormReport report = await StormRun.RunAsync(options, new Said(), token);

        Assert.That(report.IsRight, report.ToString());
        Assert.That(report.Jobs, Is.EqualTo(options.Jobs), report.ToString());
        Assert.That(report.Faults.Values.Sum(), Is.EqualTo(options.Faults));
        Assert.That(report.Outputs, Is.GreaterThan(options.Jobs * 9 / 10), "most jobs are not cancelled, and their outputs were fetched");
    }

    private sealed class Said : IProgress<string>
    {
        public void Report(string value) => TestContext.Progress.WriteLine(value);
    }
}
