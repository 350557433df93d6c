using System.Collections.Concurrent;
using Generation.Contracts;
using Generation.Service.Hosting;
using Generation.Storage;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Workers;
using Generation.TestSupport;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Generation.Service.Tests;

/// <summary>
/// A migrated database, Redis, a virtual host and a results folder of one fixture; workers put together as the program does,
/// and the little of the API that they need: an account, submitting, and sending commands.
/// </summary>
internal sealed class ServiceScope : IAsyncDisposable
{
    /// <summary>Generous, in seconds: many tests may share a small machine.</summary>
    private const double DefaultLimit = 180;

    private readonly TestScope _servers;
    private readonly ServiceProvider _services;
    private readonly string _folder;
    private readonly ConcurrentBag<WebApplication> _workers = [];
    private Guid _account;

    private ServiceScope(TestScope servers, ServiceProvider services, string folder) =>
        (_servers, _services, _folder) = (servers, services, folder);

    public JobStore Jobs => Get<JobStore>();

    public HotState HotState => Get<HotState>();

    public WorkerRegistry Registry => Get<WorkerRegistry>();

    public IResultsStore Results => Get<IResultsStore>();

    public string ResultsFolder => Path.Combine(_folder, "results");

    /// <summary>Holds for the jobs of workers in this process, and of <see cref="WorkerProcess"/>.</summary>
    public static JobHolds Holds => JobHolds.OfThisProcess;

    /// <summary>The models that travel with the project.</summary>
    public static string Models => TestModels.Ours;

    /// <summary>
    /// A worker's setting by which jobs show a preview after each step, however fast the machine is: as much again to compute as the step.
    /// </summary>
    public static (string Key, string Value) PreviewOfEachStep => ("Worker:PreviewSeconds", "0");

    public static async Task<ServiceScope> CreateAsync()
    {
        TestScope servers = await TestServers.NewScopeAsync();
        string folder = Directory.CreateTempSubdirectory("service-tests-").FullName;
        var collection = new ServiceCollection();
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(Settings(servers, folder)).Build();
        collection.AddLogging();
        collection.AddGenerationStorage(configuration);
        collection.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.UsingRabbitMq((_, rabbit) => rabbit.Host(new Uri(servers.RabbitMq)));
        });
        var scope = new ServiceScope(servers, collection.BuildServiceProvider(), folder);
        await scope.Get<IBusControl>().StartAsync(Limit());
        scope._account = (await scope.Get<AccountStore>().CreateAsync("tests", Credits.Of(1000), CancellationToken.None))!.Id;
        return scope;
    }

    public static CancellationToken Limit(double seconds = DefaultLimit) =>
        new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Starts a worker in this process, and waits until it takes jobs.</summary>
    public async Task<WebApplication> StartWorkerAsync(string id, params (string Key, string Value)[] settings)
    {
        WebApplication worker = BuildWorker(id, settings);
        _workers.Add(worker);
        await worker.StartAsync(Limit());
        using var http = new HttpClient { BaseAddress = new Uri(worker.Urls.First()) };
        string answer = "";
        await EventuallyAsync(
            async () =>
            {
                using HttpResponseMessage ready = await http.GetAsync("/readyz", Limit());
                answer = await ready.Content.ReadAsStringAsync();
                return ready.IsSuccessStatusCode;
            },
            () => $"worker {id} is ready; it says {answer}",
            DefaultLimit
        );
        return worker;
    }

    /// <summary>A worker that is not started yet.</summary>
    public WebApplication BuildWorker(string id, params (string Key, string Value)[] settings) =>
        WorkerHost.Build(["--urls", "http://127.0.0.1:0"], builder =>
        {
            builder.Configuration.AddInMemoryCollection(Settings(_servers, _folder));
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Worker:Id"] = id, ["Models:Path"] = Models });
            builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
            builder.Logging.ClearProviders();
            builder.Logging.AddProvider(new TestLog(id));
        });

    /// <param name="side">Width and height; the model draws 64 pixels, and enlarges what is to be more.</param>
    public static Text2ImgRequest Apple(int steps = 6, long seed = 1, int images = 1, int side = 64) =>
        new()
        {
            Model = "demo",
            Prompt = "a red apple on a blue background",
            Width = side,
            Height = side,
            NumInferenceSteps = steps,
            GuidanceScale = 4,
            GuidanceRescale = 0.5,
            Scheduler = "ddim",
            Seed = seed,
            NumImages = images,
        };

    public async Task<JobId> SubmitAsync(JobRequest request, JobPlan? plan = null)
    {
        SubmitResult result = await Jobs.SubmitAsync(
            new NewJob
            {
                Id = JobId.New(TimeProvider.System),
                AccountId = _account,
                Cost = Credits.Of(1),
                Request = request,
                Plan = plan,
            },
            CancellationToken.None
        );
        Assert.That(result.Outcome, Is.EqualTo(SubmitOutcome.Queued));
        return result.Job!.Id;
    }

    /// <summary>Sends a job's command as the dispatcher does.</summary>
    public async Task SendAsync(JobId id, string model = "demo")
    {
        ISendEndpoint exchange = await Get<IBusControl>().GetSendEndpoint(new Uri($"exchange:jobs.{model}"));
        await exchange.Send(new RunJob(id, model), Limit());
    }

    public async Task<JobId> SubmitAndSendAsync(JobRequest request, JobPlan? plan = null)
    {
        JobId id = await SubmitAsync(request, plan);
        await SendAsync(id, request.Model);
        return id;
    }

    public async Task<JobRow> FindAsync(JobId id) => (await Jobs.FindAsync(id, null, CancellationToken.None))!;

    public async Task<JobRow> WaitAsync(JobId id, Func<JobRow, bool> condition, string what, double seconds = DefaultLimit)
    {
        JobRow row = await FindAsync(id);
        await EventuallyAsync(
            async () =>
            {
                row = await FindAsync(id);
                return condition(row);
            },
            () => $"{what}; the job is {row.State} ({row.Error?.Code}: {row.Error?.Detail})",
            seconds
        );
        return row;
    }

    public Task<JobRow> WaitForEndAsync(JobId id, double seconds = DefaultLimit) =>
        WaitAsync(id, row => row.State.IsFinal(), "the job ends", seconds);

    public async Task<JobRow> RunAsync(JobRequest request, JobPlan? plan = null) =>
        await WaitForEndAsync(await SubmitAndSendAsync(request, plan));

    public async Task<byte[]> ReadAsync(string sha256)
    {
        await using Stream? stored = await Results.OpenAsync(sha256, CancellationToken.None);
        Assert.That(stored, Is.Not.Null, $"{sha256} is in the results store");
        using var bytes = new MemoryStream();
        await stored!.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = Get<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using NpgsqlCommand command = Get<NpgsqlDataSource>().CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public static Task EventuallyAsync(Func<Task<bool>> condition, string what, double seconds = DefaultLimit) =>
        EventuallyAsync(condition, () => what, seconds);

    public static async Task EventuallyAsync(Func<Task<bool>> condition, Func<string> what, double seconds)
    {
        CancellationToken limit = Limit(seconds);
        while (!await condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"Not within {seconds} s: {what()}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (WebApplication worker in _workers)
            {
                await worker.StopAsync(Limit());
                await worker.DisposeAsync();
            }

            await Get<IBusControl>().StopAsync(Limit());
            await _services.DisposeAsync();
            NpgsqlConnection.ClearAllPools();
            await _servers.DisposeAsync();
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>The settings by which every part of the system finds the servers.</summary>
    public Dictionary<string, string?> Settings() => Settings(_servers, _folder);

    private static Dictionary<string, string?> Settings(TestScope servers, string folder) =>
        new()
        {
            ["ConnectionStrings:Postgres"] = servers.Postgres,
            ["ConnectionStrings:Redis"] = servers.Redis,
            ["ConnectionStrings:RabbitMq"] = servers.RabbitMq,
            ["Results:Path"] = Path.Combine(folder, "results"),
            ["Redis:TimeoutMilliseconds"] = "2000",
            ["Jobs:LeaseSeconds"] = "3",
        };
}

/// <summary>What a worker logs, in the test's output.</summary>
internal sealed class TestLog(string worker) : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

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
        if (IsEnabled(logLevel))
        {
            TestContext.Progress.WriteLine(
                $"{DateTime.UtcNow:HH:mm:ss.fff} {worker} {logLevel}: {formatter(state, exception)} {exception}"
            );
        }
    }

    public void Dispose() { }
}
