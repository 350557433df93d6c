using Generation.Hosting;
using Generation.Hosting.Servers;

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
