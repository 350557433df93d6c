using Generation.Cli.Testing;

namespace Generation.Cli.Tests;

/// <summary>Which test projects run beside which.</summary>
public sealed class TestPlanTests
{
    private const string Service = "Generation.Service.Tests";
    private const string Diffusion = "Generation.Diffusion.Tests";

    [Test, CancelAfter(60_000)]
    public async Task Run_TwoThatComputeAndOthers_RunsEachOnceAndNeverTheTwoTogether(CancellationToken token)
    {
        string[] projects = [Service, Diffusion, "Generation.Chaos.Tests", "Generation.Api.Tests", "Generation.New.Tests"];
        var running = new HashSet<string>();
        var ran = new List<string>();
        int most = 0;
        bool together = false;

        await new TestPlan(projects).RunAsync(
            async project =>
            {
                lock (running)
                {
                    running.Add(project);
                    ran.Add(project);
                    most = Math.Max(most, running.Count);
                    together |= running.IsSupersetOf([Service, Diffusion]);
                }

                await Task.Delay(project == Service ? 200 : 20, token);
                lock (running)
                {
                    running.Remove(project);
                }
            },
            token
        );

        Assert.That(ran, Is.EquivalentTo(projects));
        Assert.That((most, together), Is.EqualTo((TestPlan.AtATime, false)));
    }

    [Test]
    public void Run_OneFails_SaysSo() =>
        Assert.That(
            () => new TestPlan([Service]).RunAsync(_ => throw new InvalidOperationException("broken"), CancellationToken.None),
            Throws.InvalidOperationException
        );
}
