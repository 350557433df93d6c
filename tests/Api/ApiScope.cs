using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Workers;
using Generation.TestSupport;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Generation.Api.Tests;

/// <summary>The API in this process against real servers, with an account, a key, and the demo model registered.</summary>
internal sealed class ApiScope : IAsyncDisposable
{
    private readonly TestScope _servers;
    private readonly WebApplicationFactory<global::Program> _factory;
    private readonly string _folder;
    private readonly (string Key, string Value)[] _settings;
    private WebApplicationFactory<global::Program>? _other;
    private Uri? _address;

    private ApiScope(
        TestScope servers,
        WebApplicationFactory<global::Program> factory,
        string folder,
        (string Key, string Value)[] settings
    ) => (_servers, _factory, _folder, _settings) = (servers, factory, folder, settings);

    public static ModelEntry Demo { get; } =
        JsonSerializer.Deserialize<ModelEntry>(
            File.ReadAllText(Path.Combine(TestContext.CurrentContext.TestDirectory, "demo.json")),
            WireJson.Options
        )!;

    public required Guid Account { get; init; }

    public required string Key { get; init; }

    /// <summary>With the account's key.</summary>
    public required HttpClient Client { get; init; }

    public string RabbitMq => _servers.RabbitMq;

    public string Redis => _servers.Redis;

    public string Folder => _folder;

    public JobStore Jobs => Get<JobStore>();

    /// <summary>Where the API listens; null where it is only called within this process.</summary>
    public Uri Address => _address ?? throw new InvalidOperationException("This API listens on no port.");

    public static Task<ApiScope> CreateAsync(params (string Key, string Value)[] settings) => CreateAsync(onAPort: false, settings);

    /// <summary>The API behind the real server, on a port of its own.</summary>
    public static Task<ApiScope> OnAPortAsync(params (string Key, string Value)[] settings) => CreateAsync(onAPort: true, settings);

    private static async Task<ApiScope> CreateAsync(bool onAPort, (string Key, string Value)[] settings)
    {
        TestScope servers = await TestServers.NewScopeAsync();
        string folder = Directory.CreateTempSubdirectory("api-tests-").FullName;
        WebApplicationFactory<global::Program> factory = Host(servers, folder, settings);
        IServiceProvider services;
        try
        {
            if (onAPort)
            {
                factory.UseKestrel();
                factory.StartServer();
            }

            services = factory.Services;
        }
        catch
        {
            // With these settings it does not start
            await DisposeAsync(servers, factory, folder);
            throw;
        }

        Account account = (await services.GetRequiredService<AccountStore>().CreateAsync("tests", Credits.Of(1000), default))!;
        NewApiKey key = await services.GetRequiredService<ApiKeyStore>().CreateAsync(account.Id, "tests", [Scopes.Jobs], null, default);
        await services.GetRequiredService<WorkerRegistry>().RegisterAsync(new WorkerRegistration("absent", [Demo], 1, null), default);
        // The model is known, and its worker has gone: jobs wait until a test brings one
        await services.GetRequiredService<WorkerRegistry>().RemoveAsync("absent", default);
        var scope = new ApiScope(servers, factory, folder, settings)
        {
            Account = account.Id,
            Key = key.Key,
            Client = factory.CreateClient(),
        };
        if (onAPort)
        {
            scope._address = new Uri(services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        }

        scope.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Key);
        return scope;
    }

    public T Get<T>()
        where T : notnull => _factory.Services.GetRequiredService<T>();

    /// <summary>
    /// A client, with the account's key or this, of one more API on the same servers: it shares no memory with the first.
    /// </summary>
    public HttpClient ClientOfAnotherApi(string? key = null)
    {
        _other ??= Host(_servers, _folder, _settings);
        HttpClient client = _other.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key ?? Key);
        return client;
    }

    /// <summary>A client with another key, or none.</summary>
    public HttpClient ClientWith(string? key)
    {
        HttpClient client = _factory.CreateClient();
        if (key is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return client;
    }

    public async Task<HttpClient> ClientOfNewAccountAsync(decimal credits = 10, params string[] scopes)
    {
        Account account = (await Get<AccountStore>().CreateAsync(Guid.NewGuid().ToString(), Credits.Of(credits), default))!;
        return ClientWith(
            (await Get<ApiKeyStore>().CreateAsync(account.Id, "k", scopes.Length == 0 ? [Scopes.Jobs] : scopes, null, default)).Key
        );
    }

    /// <summary>Submits and returns the job of the answer.</summary>
    public async Task<JobDocument> SubmitAsync(object? body = null, HttpClient? client = null)
    {
        using HttpResponseMessage answer = await (client ?? Client).PostAsJsonAsync("/v1/text2img", body ?? new { prompt = "a red apple" });
        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        return await ReadAsync<JobDocument>(answer);
    }

    public async Task<JobDocument> PollAsync(JobId id) => await ReadAsync<JobDocument>(await Client.GetAsync($"/v1/jobs/{id}"));

    public static async Task<T> ReadAsync<T>(HttpResponseMessage answer) => (await answer.Content.ReadFromJsonAsync<T>(WireJson.Options))!;

    /// <summary>A job as a worker would have finished it, with real bytes in the store.</summary>
    public async Task<byte[]> FinishAsync(JobId id, byte[]? output = null)
    {
        byte[] bytes = output ?? [0x89, 0x50, 0x4E, 0x47, .. id.Value.ToByteArray()];
        ClaimedJob claim = (await Jobs.ClaimAsync(id, "test-worker", TimeSpan.FromSeconds(30), default))!;
        string sha256 = await Get<IResultsStore>().PutAsync(bytes, "image/png", default);
        string thumbnail = await Get<IResultsStore>().PutAsync(ThumbnailOf(bytes), "image/jpeg", default);
        await Jobs.CompleteAsync(
            id,
            claim.LeaseEpoch,
            [
                new JobOutput
                {
                    Index = 0,
                    Sha256 = sha256,
                    ContentType = "image/png",
                    Bytes = bytes.Length,
                    Width = 256,
                    Height = 256,
                    Seed = 7,
                    Thumbnail = thumbnail,
                },
            ],
            default
        );
        return bytes;
    }

    public static byte[] ThumbnailOf(byte[] bytes) => [0xFF, 0xD8, .. bytes];

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_other is not null)
        {
            await _other.DisposeAsync();
        }

        await DisposeAsync(_servers, _factory, _folder);
    }

    private static WebApplicationFactory<global::Program> Host(TestScope servers, string folder, (string Key, string Value)[] settings)
    {
        // The host's own services are never disposed before the scope is
#pragma warning disable CA2000
        return new WebApplicationFactory<global::Program>().WithWebHostBuilder(host =>
        {
            host.UseSetting(WebHostDefaults.ServerUrlsKey, "http://127.0.0.1:0");
            host.UseSetting("ConnectionStrings:Postgres", servers.Postgres);
            host.UseSetting("ConnectionStrings:Redis", servers.Redis);
            host.UseSetting("ConnectionStrings:RabbitMq", servers.RabbitMq);
            host.UseSetting("Results:Path", Path.Combine(folder, "results"));
            host.UseSetting("Keys:SecretFile", Path.Combine(folder, "secret"));
            host.UseSetting("Redis:TimeoutMilliseconds", "2000");
            host.UseSetting("Jobs:RescueIntervalSeconds", "0.2");
            foreach ((string key, string value) in settings)
            {
                host.UseSetting(key, value);
            }

            host.ConfigureLogging(logging => logging.ClearProviders().AddProvider(TestLog.Provider));
        });
#pragma warning restore CA2000
    }

    private static async Task DisposeAsync(TestScope servers, WebApplicationFactory<global::Program> factory, string folder)
    {
        try
        {
            await factory.DisposeAsync();
            Npgsql.NpgsqlConnection.ClearAllPools();
            await servers.DisposeAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>Keeps every log line of the tests' hosts, so that a test can show what is not in them.</summary>
internal static class TestLog
{
    private static readonly System.Collections.Concurrent.ConcurrentQueue<string> Kept = new();

    public static ILoggerProvider Provider { get; } = new Keeper();

    public static IReadOnlyCollection<string> Lines => Kept;

    private sealed class Keeper : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new CategoryLog(categoryName);

        public void Dispose()
        {
            // One for all hosts
        }
    }

    private sealed class CategoryLog(string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            string line = $"{logLevel} {category}: {formatter(state, exception)} {exception}";
            Kept.Enqueue(line);
            if (logLevel >= LogLevel.Warning)
            {
                TestContext.Progress.WriteLine(line);
            }
        }
    }
}
