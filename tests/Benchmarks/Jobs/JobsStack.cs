using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Generation.Storage;
using Generation.Storage.Accounts;
using Generation.Storage.Database;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Generation.Benchmarks.Jobs;

/// <summary>Private durable servers, the API and the bare API in processes of their own, accounts with keys and credits.</summary>
internal sealed class JobsStack : IAsyncDisposable
{
    private const int Accounts = 64;

    /// <summary>$1 how many, $2 a job that ended, which the others are like.</summary>
    private static readonly string[] AgeSql =
    [
        """
            CREATE TEMP TABLE aged ON COMMIT DROP AS
                SELECT (lpad(to_hex((extract(epoch FROM ended) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0')
                        || 'a' || substr(md5(i::text), 1, 15))::uuid AS id,
                    ended, nextval('ledger_movements') AS held, nextval('ledger_movements') AS charged,
                    (SELECT array_agg(id ORDER BY id) FROM accounts WHERE name LIKE 'bench-%') AS accounts, i
                FROM (SELECT i, now() - ($1 - i) * interval '1 ms' AS ended FROM generate_series(1, $1) AS i) AS rows
                WHERE $2 IS NOT NULL
            """,
        """
            INSERT INTO jobs (id, account_id, kind, model, state, request, render, created_at, started_at, finished_at, attempt,
            lease_epoch,
                    worker_id, revision, cost, charged, work, seconds)
                SELECT aged.id, accounts[1 + i % cardinality(accounts)], kind, model, 2, request, render, ended - interval '1 s',
                    ended - interval '1 ms', ended, 1, 1, worker_id, 3, cost, cost, work, seconds
                FROM aged, jobs WHERE jobs.id = $2 AND $1 > 0
            """,
        """
            INSERT INTO ledger_lines (movement, at, entry, book, account_id, job_id, amount, balance, held)
                SELECT line.movement, ended, line.entry, line.book, CASE WHEN line.book < 2 THEN account_id END, aged.id, line.amount,
                    CASE WHEN line.book < 2 THEN 0 END, CASE WHEN line.book < 2 THEN 0 END
                FROM aged JOIN jobs ON jobs.id = aged.id,
                    LATERAL (VALUES (aged.held, 1, 0, -cost), (aged.held, 1, 1, cost), (aged.charged, 2, 1, -cost), (aged.charged, 2, 2,
                    cost))
                        AS line (movement, entry, book, amount)
                WHERE $1 > 0 AND $2 IS NOT NULL
            """,
        """
            UPDATE accounts SET balance = balance - spent FROM (
                SELECT account_id, sum(jobs.charged)::bigint AS spent FROM aged JOIN jobs USING (id) WHERE $1 > 0 AND $2 IS NOT NULL GROUP
                BY account_id) AS by
            WHERE accounts.id = by.account_id
            """,
        """
            INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at)
                SELECT id, account_id, model, 0, created_at FROM aged JOIN jobs USING (id) WHERE $1 > 0 AND $2 IS NOT NULL
            """,
        "DELETE FROM outbox USING aged WHERE job_id = aged.id AND $1 > 0 AND $2 IS NOT NULL",
    ];

    private readonly DataFolder _folder = DataFolder.Temporary("bench");
    private readonly List<Process> _processes = [];
    private readonly List<HttpClient> _clients = [];
    private PrivateServers _servers = null!;
    private ServiceProvider _services = null!;
    private byte[]? _request;

    public ModelEntry Model { get; } =
        JsonSerializer.Deserialize<ModelEntry>(
            File.ReadAllText(Path.Combine(Repository.Root, "models", "demo.json")),
            WireJson.Options
        )! with
        {
            Name = "noop",
        };

    /// <summary>A submission's body.</summary>
    public byte[] Request => _request ??= JsonSerializer.SerializeToUtf8Bytes(new { prompt = "a red apple", model = Model.Name });

    public string Postgres => _servers.Postgres.ConnectionString;

    public string RabbitMq { get; private set; } = "";

    public HttpClient Bare { get; private set; } = null!;

    public IReadOnlyList<HttpClient> Clients => _clients;

    public JobStore Jobs => Get<JobStore>();

    public Ledger Ledger => Get<Ledger>();

    public WorkerRegistry Workers => Get<WorkerRegistry>();

    public NpgsqlDataSource Source => Get<NpgsqlDataSource>();

    public static async Task<JobsStack> StartAsync(CancellationToken cancellationToken)
    {
        var stack = new JobsStack();
        try
        {
            await stack.StartAllAsync(cancellationToken);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins to measure who uses the processors.</summary>
    public async Task<CpuMeter> MeterAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ProcessHealth> servers = await _servers.CheckAsync(cancellationToken);
        return new CpuMeter([
            ("load and worker", Environment.ProcessId),
            ("API", _processes[0].Id),
            ("bare API", _processes[1].Id),
            .. servers.Where(s => s.Pid is not null).Select(s => (s.Name, s.Pid!.Value)),
        ]);
    }

    /// <summary>Ends a job as a worker would.</summary>
    public async Task FinishAsync(JobId id, CancellationToken cancellationToken)
    {
        ClaimedJob claim = (await Jobs.ClaimAsync(id, "bench", TimeSpan.FromMinutes(1), cancellationToken))!;
        await Jobs.CompleteAsync(id, claim.LeaseEpoch, [], cancellationToken);
    }

    /// <summary>
    /// Leaves what <paramref name="jobs"/> jobs would have that ended at the goal's rate just before: rows, ledger lines, and the
    /// outbox rows that came and went.
    /// </summary>
    public async Task AgeAsync(int jobs, JobId example, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = Source.CreateBatch();
        batch.Timeout = 300;
        foreach (string sql in AgeSql)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = jobs });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = example.Value });
            batch.BatchCommands.Add(command);
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Waits until the database has tidied the outbox by itself, as it does all the time that jobs come and go; a minute at most.
    /// </summary>
    public async Task VacuumedAsync(CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        await using NpgsqlCommand tidied = Source.CreateCommand(
            "SELECT coalesce(last_autovacuum > $1, false) FROM pg_stat_user_tables WHERE relname = 'outbox'"
        );
        tidied.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = DateTimeOffset.UtcNow });
        while (Stopwatch.GetElapsedTime(begin) < TimeSpan.FromMinutes(1) && await tidied.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await Task.Delay(500, cancellationToken);
        }
    }

    /// <summary>Ends every waiting job, so that the next measure begins with none.</summary>
    public async Task EmptyAsync(CancellationToken cancellationToken)
    {
        await using (
            NpgsqlCommand expire = Source.CreateCommand(
                "UPDATE outbox SET expires_at = '2000-01-01'; UPDATE jobs SET expires_at = '2000-01-01' WHERE state = 0"
            )
        )
        {
            expire.CommandTimeout = 120;
            await expire.ExecuteNonQueryAsync(cancellationToken);
        }

        while (true)
        {
            await Jobs.ExpireAsync(cancellationToken);
            await using NpgsqlCommand left = Source.CreateCommand("SELECT count(*) FROM outbox");
            if (await left.ExecuteScalarAsync(cancellationToken) is 0L)
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        foreach (HttpClient client in _clients.Append(Bare).Where(c => c is not null))
        {
            client.Dispose();
        }

        if (_services is not null)
        {
            await _services.DisposeAsync();
        }

        if (_servers is not null)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await _servers.StopAsync(limit.Token);
        }
    }

    private T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    private async Task StartAllAsync(CancellationToken cancellationToken)
    {
        _servers = new PrivateServers(_folder, new ServerSettings(Durable: true));
        await _servers.EnsureAsync(null, cancellationToken);
        RabbitMq = _servers.RabbitMq.ConnectionString;
        string temporary = Directory.CreateTempSubdirectory("generation-bench-").FullName;
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Postgres"] = _servers.Postgres.ConnectionString,
            ["ConnectionStrings:Redis"] = _servers.Redis.ConnectionString,
            ["ConnectionStrings:RabbitMq"] = RabbitMq,
            ["Results:Path"] = Path.Combine(temporary, "results"),
            ["Keys:SecretFile"] = Path.Combine(temporary, "secret"),
            ["Limits:RequestsPerSecond"] = "",
            ["Limits:QueuedJobs"] = "",
            ["Logging:LogLevel:Default"] = "Warning",
        };
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        _services = new ServiceCollection()
            .AddLogging()
            .AddGenerationStorage(configuration)
            .AddGenerationKeys(configuration)
            .BuildServiceProvider();
        await Get<Migrator>().MigrateAsync(cancellationToken);
        await Workers.RegisterAsync(new WorkerRegistration("bench", [Model], 1, null), cancellationToken);
        await Workers.RemoveAsync("bench", cancellationToken);

        string api = Start(Path.Combine(AppContext.BaseDirectory, "Generation.Api.dll"), [], settings);
        string bare = Start(Path.Combine(AppContext.BaseDirectory, "Generation.Benchmarks.dll"), ["jobs-bare"], settings);
        Bare = new HttpClient { BaseAddress = new Uri(bare) };
        for (int i = 0; i < Accounts; i++)
        {
            Account account = (await Get<AccountStore>().CreateAsync($"bench-{i}", Credits.Of(1_000_000), cancellationToken))!;
            NewApiKey key = await Get<ApiKeyStore>().CreateAsync(account.Id, "bench", [Scopes.Jobs], null, cancellationToken);
            var client = new HttpClient { BaseAddress = new Uri(api) };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Key);
            _clients.Add(client);
        }

        await WaitAsync(_clients[0], "/readyz", cancellationToken);
        await WaitAsync(Bare, "/healthz", cancellationToken);
    }

    private string Start(string program, string[] arguments, Dictionary<string, string?> settings)
    {
        string address = $"http://127.0.0.1:{FreePort()}";
        var start = new ProcessStartInfo(DotnetHost.Path, [program, .. arguments]) { UseShellExecute = false };
        foreach ((string name, string? value) in settings)
        {
            start.Environment[name.Replace(":", "__")] = value;
        }

        start.Environment["ASPNETCORE_URLS"] = address;
        _processes.Add(Process.Start(start)!);
        return address;
    }

    private static async Task WaitAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(path, limit.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not yet
            }

            await Task.Delay(100, limit.Token);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
