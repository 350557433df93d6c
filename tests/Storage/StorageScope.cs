using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.TestSupport;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Generation.Storage.Tests;

/// <summary>A migrated database, a Redis database and a results folder of one fixture, with storage put together as programs do.</summary>
internal sealed class StorageScope : IAsyncDisposable
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private readonly TestScope _servers;
    private readonly IConfiguration _configuration;
    private ServiceProvider _services;
    private readonly string _folder;

    private StorageScope(TestScope servers, IConfiguration configuration, string folder)
    {
        (_servers, _configuration, _folder) = (servers, configuration, folder);
        _services = Services(configuration);
    }

    public JobStore Jobs => Get<JobStore>();

    public Ledger Ledger => Get<Ledger>();

    public NpgsqlDataSource Source => Get<NpgsqlDataSource>();

    public string RedisAddress => _servers.Redis;

    public static Task<StorageScope> CreateAsync(bool migrated = true, params (string Key, string Value)[] settings) =>
        CreateAsync(null, migrated, settings);

    /// <summary>
    /// The same with a copy of this one's database; a Redis database and a results folder of its own, unless settings say else.
    /// </summary>
    public async Task<StorageScope> CopyAsync(params (string Key, string Value)[] settings)
    {
        // A database is copied while nobody is connected to it: this one's pools end, and begin anew
        await _services.DisposeAsync();
        _services = Services(_configuration);
        return await CreateAsync(_servers, migrated: true, settings);
    }

    private static async Task<StorageScope> CreateAsync(TestScope? copied, bool migrated, (string Key, string Value)[] settings)
    {
        TestScope servers = copied is null
            ? await TestServers.NewScopeAsync(migrated, broker: false)
            : await TestServers.CopyScopeAsync(copied);
        string folder = Directory.CreateTempSubdirectory("storage-tests-").FullName;
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["ConnectionStrings:Postgres"] = servers.Postgres,
                    ["ConnectionStrings:Redis"] = servers.Redis,
                    ["Results:Path"] = Path.Combine(folder, "results"),
                    ["Keys:SecretFile"] = Path.Combine(folder, "secret"),
                    ["Redis:TimeoutMilliseconds"] = "2000",
                }
            )
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
            .Build();
        return new StorageScope(servers, configuration, folder);
    }

    private static ServiceProvider Services(IConfiguration configuration)
    {
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddGenerationStorage(configuration);
        collection.AddGenerationKeys(configuration);
        return collection.BuildServiceProvider();
    }

    /// <summary>The connections for what is written together of one more process.</summary>
    public DedicatedPools NewPools() =>
        new(connections =>
            NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_servers.Postgres) { MaxPoolSize = connections }.ConnectionString)
        );

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>An account with so many credits.</summary>
    public async Task<Guid> AccountAsync(decimal credits = 100)
    {
        Account? account = await Get<AccountStore>()
            .CreateAsync($"account-{Guid.NewGuid():N}", Credits.Of(credits), CancellationToken.None);
        return account!.Id;
    }

    /// <summary>Moves credits of an account, past what binds operators.</summary>
    public async Task<bool> MoveAsync(Guid account, LedgerEntry entry, Credits amount, string? note = null, JobId? job = null)
    {
        await using NpgsqlConnection connection = await Source.OpenConnectionAsync();
        return await Ledger.MoveAsync(connection, account, entry, amount, note, job, CancellationToken.None);
    }

    public static NewJob NewJob(Guid account, decimal cost = 1, string model = "demo") =>
        new()
        {
            Id = JobId.New(TimeProvider.System),
            AccountId = account,
            Cost = Credits.Of(cost),
            Request = new Text2ImgRequest
            {
                Model = model,
                Prompt = "a red apple",
                Width = 256,
                Height = 256,
                NumInferenceSteps = 25,
                GuidanceScale = 4,
                Scheduler = "ddim",
                Seed = 7,
                NumImages = 1,
            },
        };

    public async Task<JobRow> SubmitAsync(Guid account, decimal cost = 1)
    {
        SubmitResult result = await Jobs.SubmitAsync(NewJob(account, cost), CancellationToken.None);
        Assert.That(result.Outcome, Is.EqualTo(SubmitOutcome.Queued));
        return result.Job!;
    }

    public async Task<ClaimedJob> ClaimAsync(JobId id, string worker = "w1") =>
        (await Jobs.ClaimAsync(id, worker, Lease, CancellationToken.None))!;

    public async Task<JobRow> FindAsync(JobId id) => (await Jobs.FindAsync(id, null, CancellationToken.None))!;

    public static JobOutput Output(int index = 0, string? sha256 = null) =>
        new()
        {
            Index = index,
            Sha256 = sha256 ?? new string('a', 64),
            ContentType = "image/png",
            Bytes = 123,
            Width = 256,
            Height = 256,
            Seed = 7 + index,
            Render = new RenderPlan
            {
                GeneratedWidth = 64,
                GeneratedHeight = 64,
                Upscaler = "demo-upscaler",
                Scale = 4,
                Resized = false,
            },
        };

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using NpgsqlCommand command = Source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public Task<bool> IsInOutboxAsync(JobId id) => ScalarAsync<bool>($"SELECT EXISTS (SELECT 1 FROM outbox WHERE job_id = '{id}')");

    public Task LapseAsync(JobId id) => ExecuteAsync($"UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = '{id}'");

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _services.DisposeAsync();
            NpgsqlConnection.ClearAllPools();
            await _servers.DisposeAsync();
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
