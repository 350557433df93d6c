using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Generation.Cli.Servers;
using Generation.Contracts;
using Generation.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Generation.Benchmarks;

/// <summary>Private durable servers, the API and the bare API in processes of their own, accounts with keys and credits.</summary>
internal sealed class JobsStack : IAsyncDisposable
{
    private const int Accounts = 64;

    private readonly DataFolder _folder = DataFolder.Temporary("bench");
    private readonly List<Process> _processes = [];
    private readonly List<HttpClient> _clients = [];
    private PrivateServers _servers = null!;
    private ServiceProvider _services = null!;

    public ModelEntry Model { get; } = JsonSerializer.Deserialize<ModelEntry>(
        File.ReadAllText(Path.Combine(Repository.Root, "models", "demo.json")), WireJson.Options)! with
    { Name = "noop" };

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
        return new CpuMeter(
        [
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

    /// <summary>Ends every waiting job, so that the next measure begins with none.</summary>
    public async Task EmptyAsync(CancellationToken cancellationToken)
    {
        await using (NpgsqlCommand expire = Source.CreateCommand(
            "UPDATE outbox SET expires_at = '2000-01-01'; UPDATE jobs SET expires_at = '2000-01-01' WHERE state = 0"))
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
        _services = new ServiceCollection().AddLogging().AddGenerationStorage(configuration).AddGenerationKeys(configuration).BuildServiceProvider();
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
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { UseShellExecute = false };
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
