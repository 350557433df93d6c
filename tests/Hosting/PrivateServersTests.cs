using System.Diagnostics;
using Generation.Hosting.Servers;
using Generation.TestSupport;

namespace Generation.Hosting.Tests;

[TestFixture, PrivateServersOnly("how they start, are found again and end")]
public sealed class PrivateServersTests
{
    private PrivateServers _servers = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _servers = new PrivateServers(DataFolder.Temporary("cli"), new ServerSettings(Durable: false));
        await _servers.EnsureAsync(null, CancellationToken.None);
    }

    [OneTimeTearDown]
    public Task StopAsync() => _servers.StopAsync(CancellationToken.None);

    [Test, CancelAfter(240_000)]
    public async Task Check_Started_AllHealthyOnLoopback(CancellationToken token)
    {
        IReadOnlyList<ProcessHealth> health = await _servers.CheckAsync(token);

        Assert.That(health.Select(h => h.Name), Is.EquivalentTo(["postgres", "redis", "rabbitmq", "epmd"]));
        Assert.That(health.Select(h => h.Problem), Is.All.Null);
        Assert.That(health.Select(h => h.Address), Is.All.StartsWith("127.0.0.1:"));
    }

    [Test, CancelAfter(240_000)]
    public async Task Ensure_Twice_KeepsProcesses(CancellationToken token)
    {
        IReadOnlyList<ProcessHealth> before = await _servers.CheckAsync(token);
        await _servers.EnsureAsync(null, token);
        IReadOnlyList<ProcessHealth> after = await _servers.CheckAsync(token);

        Assert.That(after.Select(h => h.Pid), Is.EqualTo(before.Select(h => h.Pid)));
    }

    [Test, CancelAfter(240_000)]
    public async Task Ensure_AfterKill_BringsBackOnSamePort(CancellationToken token)
    {
        string[] before = [_servers.Postgres.ConnectionString, _servers.Redis.ConnectionString, _servers.RabbitMq.ConnectionString];
        await Task.WhenAll(_servers.Postgres.KillAsync(token), _servers.Redis.KillAsync(token), _servers.RabbitMq.KillAsync(token));
        Assert.That((await _servers.CheckAsync(token)).Count(h => h.Problem == ProcessHealth.NotRunning), Is.EqualTo(3));

        await _servers.EnsureAsync(null, token);

        string[] after = [_servers.Postgres.ConnectionString, _servers.Redis.ConnectionString, _servers.RabbitMq.ConnectionString];
        Assert.That(after, Is.EqualTo(before));
        Assert.That((await _servers.CheckAsync(token)).Select(h => h.Problem), Is.All.Null);
    }

    [Test, CancelAfter(240_000)]
    public async Task Ensure_PostgresKilledAndOneOfItsOwnLivesOn_WaitsForIt(CancellationToken token)
    {
        int server = (await _servers.Postgres.CheckAsync(token)).Pid!.Value;
        string child = (await File.ReadAllTextAsync($"/proc/{server}/task/{server}/children", token)).Split(' ')[0];
        using (var stop = Process.Start("kill", ["-STOP", child]))
        {
            await stop.WaitForExitAsync(token);
        }

        Task start;
        try
        {
            await _servers.Postgres.KillAsync(token);
            start = _servers.Postgres.EnsureAsync(token);
            await Task.WhenAny(start, Task.Delay(TimeSpan.FromSeconds(1), token));
            Assert.That(start.IsCompleted, Is.False);
        }
        finally
        {
            using var go = Process.Start("kill", ["-CONT", child]);
            await go.WaitForExitAsync(token);
        }

        await start;
        Assert.That((await _servers.Postgres.CheckAsync(token)).Problem, Is.Null);
    }

    [Test, CancelAfter(240_000)]
    public async Task VirtualHost_AddedAndDropped_Twice(CancellationToken token)
    {
        const string Exists = """true = rabbit_vhost:exists(<<"test-a">>), ok.""";
        for (int i = 0; i < 2; i++)
        {
            await _servers.RabbitMq.AddVirtualHostAsync("test-a", token);
            await _servers.RabbitMq.EvaluateAsync(Exists, token);
            await _servers.RabbitMq.DropVirtualHostAsync("test-a", token);
            Assert.That(() => _servers.RabbitMq.EvaluateAsync(Exists, token), Throws.TypeOf<ServerException>());
        }

        await _servers.RabbitMq.DropVirtualHostAsync("test-a", token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Signal_RecordOfAnotherProcess_LeavesItAlone(CancellationToken token)
    {
        using Process bystander = Process.Start("sleep", "600")!;
        try
        {
            var folder = DataFolder.Temporary("stale");
            ProcessIdentity other = ProcessIdentity.Of(bystander.Id)!;
            string stale = $$"""
                {"process":{"pid":{{other.Pid}},"startTicks":{{other.StartTicks - 1}},"bootId":"{{other.BootId}}"},"port":{{Ports.Free()}},
                "log":"/dev/null"}
                """;
            await File.WriteAllTextAsync(Path.Combine(folder.Run, "redis.json"), stale, token);
            IServer redis = new PrivateServers(folder, new ServerSettings(Durable: false)).Redis;

            Assert.That(redis.IsRunning, Is.False);
            await redis.StopAsync(token);
            Assert.That(bystander.HasExited, Is.False);

            await redis.EnsureAsync(token);
            Assert.That(redis.IsRunning);
            await redis.StopAsync(token);
            Assert.That(bystander.HasExited, Is.False);
        }
        finally
        {
            bystander.Kill();
        }
    }
}
