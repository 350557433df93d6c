using System.Diagnostics;
using System.Net;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Generation.TestSupport;
using Npgsql;
using StackExchange.Redis;

namespace Generation.EndToEnd.Tests;

/// <summary>The servers' passwords are replaced while everything runs: no job is lost, and the old ones are good for nothing.</summary>
[TestFixture, PrivateServersOnly("servers whose passwords the stack may change")]
public sealed class RotatePasswordsTests
{
    private const string MovementsSql = "select count(distinct movement) from ledger_lines where job_id = @id";
    private static readonly string Program = Clone.Current.ProgramOf("Generation.Cli");

    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await TestStack.StartAsync(workers: 1);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test, CancelAfter(300_000)]
    public async Task RotatePasswords_WhileJobsRun_LosesNoneAndNoOldPasswordIsGood(CancellationToken token)
    {
        IServers servers = _stack.Stack.Servers;
        string[] before = [servers.Postgres.ConnectionString, servers.Redis.ConnectionString, servers.RabbitMq.ConnectionString];
        Dictionary<string, string> programs = PasswordsOf("rabbitmq-worker");
        int[] processes = [.. Pids()];

        using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
        Task<List<JobId>> submitting = SubmitAsync(end.Token);
        string said = await RunAsync("keys", "rotate-passwords");
        // Until here no call was refused, not even to be made again
        await end.CancelAsync();
        List<JobId> jobs = await submitting;
        JobDocument after = await EndAfterReconnectAsync("a red apple, later", token);

        Assert.That(said, Does.Contain("new passwords").And.Not.Contain(programs["postgres"]));
        Assert.That(after.State, Is.EqualTo(JobState.Succeeded), after.Error?.Detail);
        Assert.That(jobs, Is.Not.Empty);
        foreach (JobId id in jobs)
        {
            JobDocument job = await _stack.EndAsync(id, token);
            Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
            Assert.That(await _stack.QueryAsync<long>(MovementsSql, id, token), Is.EqualTo(2), "a hold and a charge");
        }

        Assert.That(Pids(), Is.EqualTo(processes), "nothing was started anew");
        string[] now = [servers.Postgres.ConnectionString, servers.Redis.ConnectionString, servers.RabbitMq.ConnectionString];
        Assert.That(now.Intersect(before), Is.Empty);
        Assert.That(PasswordsOf("rabbitmq-worker").Values.Intersect(programs.Values), Is.Empty);
        await AssertRefusedAsync(before, programs, token);

        // And once more, after which the stack is still itself
        await RunAsync("keys", "rotate-passwords");
        await RunAsync("audit", "verify");
        Assert.That(await _stack.Stack.UpAsync(null, token), Is.Empty, "nothing had to be started");
    }

    [Test, CancelAfter(300_000)]
    public async Task RotatePasswords_Interrupted_IsCompletedByUp(CancellationToken token)
    {
        string secrets = Path.Combine(_stack.Stack.Folder.Root, "secrets");
        string first = PasswordsOf("rabbitmq-api")["postgres"];
        // As it is left by one that ended after the owner's password had changed, and before that was written down
        string next = new('a', 64);
        await File.WriteAllTextAsync(Path.Combine(secrets, "postgres-password.next"), next, token);
        await using (var owner = new NpgsqlConnection(_stack.Stack.Servers.Postgres.ConnectionString + ";Pooling=false"))
        {
            await owner.OpenAsync(token);
            await using var command = new NpgsqlCommand($"alter role generation password '{next}'", owner);
            await command.ExecuteNonQueryAsync(token);
        }

        // And of the programs: the next is drawn, and told, and nothing is changed
        await File.WriteAllTextAsync(Path.Combine(secrets, "postgres-programs.next"), new string('b', 64), token);

        await _stack.Stack.UpAsync(null, token);

        Assert.That(Directory.GetFiles(secrets, "*.next"), Is.Empty);
        Assert.That(PasswordsOf("rabbitmq-api")["postgres"], Is.EqualTo(new string('b', 64)).And.Not.EqualTo(first));
        JobDocument job = await EndAfterReconnectAsync("a red apple, after all", token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
    }

    private async Task<List<JobId>> SubmitAsync(CancellationToken end)
    {
        var jobs = new List<JobId>();
        while (!end.IsCancellationRequested)
        {
            jobs.Add((await _stack.SubmitAsync($"apple number {jobs.Count}", CancellationToken.None, steps: 2)).Id);
            await Task.Delay(200, CancellationToken.None);
        }

        return jobs;
    }

    /// <summary>A job that is done by programs which all have to connect anew; a call that was cut off is made again.</summary>
    private async Task<JobDocument> EndAfterReconnectAsync(string prompt, CancellationToken token)
    {
        await ReconnectAllAsync(token);
        while (true)
        {
            try
            {
                return await _stack.EndAsync((await _stack.SubmitAsync(prompt, token, steps: 2)).Id, token);
            }
            catch (RestException e) when (e.Status == HttpStatusCode.ServiceUnavailable)
            {
                await Task.Delay(100, token);
            }
        }
    }

    /// <summary>Ends every connection of the programs to the servers.</summary>
    private async Task ReconnectAllAsync(CancellationToken token)
    {
        IServers servers = _stack.Stack.Servers;
        await using (var owner = new NpgsqlConnection(servers.Postgres.ConnectionString + ";Pooling=false"))
        {
            await owner.OpenAsync(token);
            await using var command = new NpgsqlCommand(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename like 'generation_programs%'",
                owner
            );
            Assert.That(await command.ExecuteScalarAsync(token), Is.GreaterThan(0L));
        }

        await using (
            ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(servers.Redis.ConnectionString + ",allowAdmin=true")
        )
        {
            await redis.GetDatabase().ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
            await redis.GetDatabase().ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");
        }

        await ((RabbitMqServer)servers.RabbitMq).EvaluateAsync(
            "[rabbit_networking:close_connection(C, \"for a test\") || C <- rabbit_networking:connections()], ok.",
            token
        );
    }

    private async Task AssertRefusedAsync(string[] owners, Dictionary<string, string> programs, CancellationToken token)
    {
        var theirs = new NpgsqlConnectionStringBuilder(_stack.Stack.ProgramSettings()["ConnectionStrings__Postgres"])
        {
            Password = programs["postgres"],
        };
        foreach (string address in (string[])[owners[0], theirs.ConnectionString])
        {
            await using var connection = new NpgsqlConnection(address + ";Pooling=false");
            Assert.That(
                async () => await connection.OpenAsync(token),
                Throws.TypeOf<PostgresException>().With.Property(nameof(PostgresException.SqlState)).EqualTo("28P01")
            );
        }

        Assert.That(
            async () => await ConnectionMultiplexer.ConnectAsync(owners[1]),
            Throws.TypeOf<RedisConnectionException>().With.Message.Contains("WRONGPASS").Or.Message.Contains("uth")
        );
        var rabbit = (RabbitMqServer)_stack.Stack.Servers.RabbitMq;
        string user = new Uri(_stack.Stack.ProgramSettings()["ConnectionStrings__RabbitMq"]).UserInfo;
        Assert.That(await rabbit.TakesAsync(user, PasswordsOf("rabbitmq-worker")["rabbitmq"], token));
        Assert.That(await rabbit.TakesAsync(user, programs["rabbitmq"], token), Is.False);
        string[] owner = new Uri(owners[2]).UserInfo.Split(':');
        Assert.That(await rabbit.TakesAsync(owner[0], owner[1], token), Is.False);
    }

    private Dictionary<string, string> PasswordsOf(string user) =>
        System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(
            File.ReadAllText(Path.Combine(_stack.Stack.Folder.Root, "secrets", user + ".json"))
        )!;

    private IEnumerable<int> Pids() =>
        ((string[])["api", "worker-1", "postgres", "redis"]).Select(name => _stack.Stack.ProcessOf(name).Pid!.Value);

    private async Task<string> RunAsync(params string[] arguments)
    {
        var info = new ProcessStartInfo(DotnetHost.Path, [Program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["GENERATION_DATA"] = _stack.Stack.Folder.Root;
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await process.WaitForExitAsync(limit.Token);
        string said = await output + errors;
        Assert.That(process.ExitCode, Is.Zero, said);
        return said;
    }
}
