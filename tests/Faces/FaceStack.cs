using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Service.Hosting;
using Generation.Storage.Accounts;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Generation.Faces.Tests;

/// <summary>
/// The whole system for the tests of one process: real servers, the API on a port of its own, and a worker. There are two:
/// one with the demo model alone, as the project comes, and one with models for every kind. Each is started when a test
/// first asks.
/// </summary>
internal sealed class FaceStack : IAsyncDisposable
{
    /// <summary>Generous: many tests may share a small machine.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    /// <summary>Not after each step: a preview is as much to compute as the step itself.</summary>
    private static readonly TimeSpan PreviewInterval = TimeSpan.FromSeconds(0.2);

    private static readonly Lazy<Task<FaceStack>> Started = new(() => StartAsync(null));

    private static readonly Lazy<Task<FaceStack>> StartedWithKinds = new(() => StartAsync(KindModels()));

    private readonly TestScope _servers;
    private readonly string _folder;
    private readonly WebApplication _worker;
    private readonly TestModels? _models;

    private FaceStack(TestScope servers, string folder, FaceApi api, WebApplication worker, TestModels? models) =>
        (_servers, _folder, Api, _worker, _models) = (servers, folder, api, worker, models);

    /// <summary>The API that most tests share.</summary>
    public FaceApi Api { get; }

    /// <summary>Its models' folder, of the stack that has all kinds.</summary>
    public string Models => _models!.Folder;

    public static Task<FaceStack> GetAsync() => Started.Value;

    /// <summary>The stack with models for editing, control pictures, masks from words, clips of a picture, and safety checkers.</summary>
    public static Task<FaceStack> WithAllKindsAsync() => StartedWithKinds.Value;

    public static async Task StopAsync()
    {
        foreach (Lazy<Task<FaceStack>> stack in (Lazy<Task<FaceStack>>[])[Started, StartedWithKinds])
        {
            if (stack is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            {
                await (await stack.Value).DisposeAsync();
            }
        }
    }

    /// <summary>Lets jobs of its worker stand still.</summary>
    public static JobHolds Holds => JobHolds.OfThisProcess;

    /// <summary>
    /// Lets a job stand at a hold until its next step is sure to show a preview, and then go on, so that it shows one however fast the
    /// machine is.
    /// </summary>
    public static async Task ReleaseBeforeAPreviewAsync(JobHold hold)
    {
        await hold.ReachedAsync();
        await Task.Delay(PreviewInterval * 1.5);
        hold.Release();
    }

    public static CancellationToken Limit(double seconds = 180) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

    /// <summary>Another API process's worth of API on the same servers, with settings of its own; the caller disposes it.</summary>
    public FaceApi StartApi(int port, params (string Key, string Value)[] settings) =>
        FaceApi.Start(Settings(_servers, _folder), port, settings);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Api.DisposeAsync();
            await _worker.StopAsync(Limit());
            await _worker.DisposeAsync();
            NpgsqlConnection.ClearAllPools();
            await _servers.DisposeAsync();
        }
        finally
        {
            _models?.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static TestModels KindModels()
    {
        var models = new TestModels();
        models.WriteDemo(change: entry => entry["mask_finder"] = models.MaskFinder());
        models.WriteDemoUpscaler();
        models.WriteDemo("lenient", entry => entry["safety_checker"] = models.SafetyChecker("lenient-checker", Half.One));
        models.WriteDemo("chaste", entry => entry["safety_checker"] = models.SafetyChecker("chaste-checker", -Half.One));
        models.WriteEdges("edges", Larger);
        models.WriteSmall("edits", "instruct_pix2pix", "sd15", ["edit"], Larger);
        models.WriteSvd();
        return models;

        // Faces ask for sides of 256 at least
        static void Larger(JsonObject entry) => (entry["max_side"], entry["max_pixels"]) = (512, 512 * 512);
    }

    private static async Task<FaceStack> StartAsync(TestModels? models)
    {
        TestScope servers = await TestServers.NewScopeAsync(token: Limit());
        string folder = Directory.CreateTempSubdirectory("face-tests-").FullName;
        Dictionary<string, string?> settings = Settings(servers, folder);
        WebApplication worker = await StartWorkerAsync(settings, models?.Folder ?? TestModels.Ours);
        var api = FaceApi.Start(settings, 0);
        return new FaceStack(servers, folder, api, worker, models);
    }

    private static async Task<WebApplication> StartWorkerAsync(Dictionary<string, string?> settings, string models)
    {
        WebApplication worker = WorkerHost.Build(["--urls", "http://127.0.0.1:0"], builder =>
        {
            builder.Configuration.AddInMemoryCollection(settings);
            builder.Configuration.AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Worker:Id"] = "faces",
                    ["Worker:Slots"] = "2",
                    ["Worker:PreviewSeconds"] = PreviewInterval.TotalSeconds.ToString(CultureInfo.InvariantCulture),
                    ["Models:Path"] = models,
                }
            );
            builder.Logging.ClearProviders();
            builder.Logging.AddProvider(new TestLog("worker"));
        });
        await worker.StartAsync(Limit(StartLimit.TotalSeconds));
        using var http = new HttpClient { BaseAddress = new Uri(worker.Urls.First()) };
        CancellationToken limit = Limit(StartLimit.TotalSeconds);
        while (!(await http.GetAsync("/readyz", limit)).IsSuccessStatusCode)
        {
            await Task.Delay(50, limit);
        }

        return worker;
    }

    internal static Dictionary<string, string?> Settings(TestScope servers, string folder) =>
        new()
        {
            ["ConnectionStrings:Postgres"] = servers.Postgres,
            ["ConnectionStrings:Redis"] = servers.Redis,
            ["ConnectionStrings:RabbitMq"] = servers.RabbitMq,
            ["Results:Path"] = Path.Combine(folder, "results"),
            ["Keys:SecretFile"] = Path.Combine(folder, "secret"),
            ["Redis:TimeoutMilliseconds"] = "2000",
            ["Jobs:RescueIntervalSeconds"] = "0.5",
            // Calls that wait for their job are answered when it is done, however slow the machine is
            ["Faces:ModelsLab:WaitSeconds"] = "170",
            // Webhooks of tests go to this machine
            ["Outbound:AllowedNetworks"] = "127.0.0.0/8",
        };
}

/// <summary>The API in this process, on a real port.</summary>
internal sealed class FaceApi : IAsyncDisposable
{
    // Any type of the program: both programs have a Program
    private readonly WebApplicationFactory<Problem> _factory;

    private FaceApi(WebApplicationFactory<Problem> factory, Uri address) => (_factory, Address) = (factory, address);

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    public static FaceApi Start(IEnumerable<KeyValuePair<string, string?>> common, int port, params (string Key, string Value)[] settings)
    {
        // The factory lives as long as this object
#pragma warning disable CA2000
        WebApplicationFactory<Problem> factory = new WebApplicationFactory<Problem>().WithWebHostBuilder(host =>
        {
            host.UseSetting(WebHostDefaults.ServerUrlsKey, $"http://127.0.0.1:{port}");
            foreach ((string key, string? value) in common)
            {
                host.UseSetting(key, value);
            }

            foreach ((string key, string value) in settings)
            {
                host.UseSetting(key, value);
            }

            host.ConfigureLogging(logging => logging.ClearProviders().AddProvider(new TestLog("api")));
        });
#pragma warning restore CA2000
        factory.UseKestrel();
        factory.StartServer();
        // A face may have a port of its own beside
        string address = factory
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First(a => a.StartsWith("http://127.0.0.1:", StringComparison.Ordinal));
        return new FaceApi(factory, new Uri(address));
    }

    public T Get<T>()
        where T : notnull => _factory.Services.GetRequiredService<T>();

    /// <summary>A new account with a key.</summary>
    public async Task<FaceUser> NewUserAsync(decimal credits = 1000, params string[] scopes)
    {
        Account account = (await Get<AccountStore>().CreateAsync($"user-{Guid.NewGuid():N}", Credits.Of(credits), default))!;
        NewApiKey key = await Get<ApiKeyStore>()
            .CreateAsync(account.Id, "tests", scopes.Length == 0 ? [Scopes.Jobs] : scopes, null, default);
        return new FaceUser(account.Id, key.Key);
    }

    /// <summary>A client that sends nothing by itself.</summary>
    public HttpClient Client() => new() { BaseAddress = Address, Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>A client that sends a user's key as the native API takes it.</summary>
    public HttpClient Client(FaceUser user)
    {
        HttpClient client = Client();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", user.Key);
        return client;
    }

    /// <summary>A user's jobs as the native API lists them, the newest first.</summary>
    public async Task<IReadOnlyList<JobDocument>> JobsAsync(FaceUser user)
    {
        using HttpClient client = Client(user);
        using var page = JsonDocument.Parse(await client.GetByteArrayAsync("/v1/jobs?limit=100", FaceStack.Limit()));
        return page.RootElement.GetProperty("data").Deserialize<JobDocument[]>(WireJson.Options)!;
    }

    public async ValueTask DisposeAsync() => await _factory.DisposeAsync();
}

/// <summary>An account and its key.</summary>
internal sealed record FaceUser(Guid Account, string Key);

/// <summary>Warnings and worse, in the test's output.</summary>
internal sealed class TestLog(string program) : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (IsEnabled(logLevel))
        {
            TestContext.Progress.WriteLine(
                $"{DateTime.UtcNow:HH:mm:ss.fff} {program} {logLevel}: {formatter(state, exception)} {exception}"
            );
        }
    }

    public void Dispose() { }
}

/// <summary>Ends the stack with the last test.</summary>
[SetUpFixture]
internal sealed class FaceStackEnd
{
    [OneTimeTearDown]
    public Task Stop() => FaceStack.StopAsync();
}
