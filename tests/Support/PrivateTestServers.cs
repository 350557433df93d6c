using Generation.Hosting;
using Generation.Hosting.Servers;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace Generation.TestSupport;

/// <summary>
/// From Debian's packages: those of the whole run where `./generation test` names their folder, else of this process alone.
/// </summary>
internal sealed class PrivateTestServers : ITestServers
{
    public IServers Shared =>
        field ??= NewServers(
            Environment.GetEnvironmentVariable(TestServersSetting.FolderVariable) is { Length: > 0 } folder
                ? DataFolder.At(folder)
                : DataFolder.Temporary("test")
        );

    public IServers NewServers(DataFolder folder) => new PrivateServers(folder, new ServerSettings(Durable: false));

    public Task<IS3Server> StartS3Async(CancellationToken token) => SwiftServer.StartAsync(token);

    /// <summary>Temporary folders go with this process, and what runs in them.</summary>
    public Task EndAsync() => Task.CompletedTask;
}

/// <summary>
/// On tests whose subject is the private servers themselves: they are ignored, with a reason, where the servers are in containers.
/// </summary>
/// <param name="subject">What the tests are about.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class PrivateServersOnlyAttribute(string subject) : NUnitAttribute, IApplyToTest
{
    public string Subject => subject;

    public void ApplyToTest(Test test)
    {
        // Nothing may throw here: the test would vanish from the run
        if (
            test.RunState == RunState.Runnable
            && Environment.GetEnvironmentVariable(TestServersSetting.KindVariable) == TestServersSetting.Containers
        )
        {
            test.RunState = RunState.Ignored;
            test.Properties.Set(PropertyNames.SkipReason, $"This is about private servers ({Subject}), and the servers are in containers.");
        }
    }
}
