using System.Net;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Npgsql;

namespace Generation.TestSupport;

/// <summary>
/// A whole system for one fixture, in a data folder of its own, driven from outside: the REST interface, signals, and a look at its tables.
/// </summary>
public sealed partial class TestStack : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(4);

    private readonly TestScope? _share;
    private readonly string[] _workers;

    private TestStack(Stack stack, JobHolds holds, TestScope? share, int workers)
    {
        Stack = stack;
        Holds = holds;
        // As long as a machine under load takes
        Api = new RestClient(stack.Url, stack.Key, TimeSpan.FromMinutes(5));
        _share = share;
        _workers = [.. Enumerable.Range(1, workers).Select(number => $"worker-{number}")];
    }

    public Stack Stack { get; }

    public RestClient Api { get; }

    /// <summary>Lets jobs of its workers stand still.</summary>
    public JobHolds Holds { get; }

    /// <summary>Starts one.</summary>
    /// <param name="workers">How many workers it has.</param>
    /// <param name="overrides">Settings of its programs.</param>
    /// <param name="ownServers">
    /// Whether it has servers to itself, which tests may stop and kill; otherwise it has its share of those of all tests.
    /// </param>
    public static async Task<TestStack> StartAsync(
        int workers = 1,
        IReadOnlyDictionary<string, string>? overrides = null,
        bool ownServers = true
    )
    {
        using var limit = new CancellationTokenSource(StartLimit);
        TestScope? share = ownServers ? null : await TestServers.NewScopeAsync(token: limit.Token);
        var folder = DataFolder.Temporary("e2e");
        string faults = Directory.CreateDirectory(Path.Combine(folder.Root, "faults")).FullName;
        string temporary = Directory.CreateDirectory(Path.Combine(folder.Root, "tmp")).FullName;
        var settings = new Dictionary<string, string>(MostWords)
        {
            ["Models__Path"] = TestModels.Ours,
            ["Faults__Folder"] = faults,
            // What killed processes leave goes with the data folder
            ["TMPDIR"] = temporary,
        };
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is { Length: > 0 } threads)
        {
            // As in this process: other tests run beside
            settings["Worker__Threads"] = threads;
        }

        foreach ((string name, string value) in overrides ?? new Dictionary<string, string>())
        {
            settings[name] = value;
        }

        var stack = new Stack(
            folder,
            new StackSettings { Workers = workers, Overrides = settings },
            servers: share?.Servers ?? TestServers.NewServers(folder)
        );
        try
        {
            await stack.UpAsync(null, limit.Token);
        }
        catch (StepException e)
        {
            string log = e.Log is not null && File.Exists(e.Log) ? string.Join('\n', File.ReadLines(e.Log).TakeLast(20)) : "";
            throw new InvalidOperationException($"{e.Step}: {e.Message}\n{e.Log}\n{log}", e);
        }

        return new TestStack(stack, new JobHolds(faults), share, workers);
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        using var limit = new CancellationTokenSource(StartLimit);
        await Stack.DownAsync(null, limit.Token);
        if (_share is not null)
        {
            await _share.DisposeAsync();
        }
    }

    /// <summary>Submits a job of text2img with the demo model; what is null is left to the model's defaults.</summary>
    /// <param name="side">Width and height; the model draws 64 pixels, and enlarges what is to be more.</param>
    public Task<JobDocument> SubmitAsync(
        string prompt,
        CancellationToken token,
        long? seed = null,
        int? steps = null,
        int? images = null,
        int? side = null
    )
    {
        var request = new JsonObject { ["prompt"] = prompt };
        if (seed is not null)
        {
            request["seed"] = seed;
        }

        if (steps is not null)
        {
            request["num_inference_steps"] = steps;
        }

        if (images is not null)
        {
            request["num_images"] = images;
        }

        if (side is not null)
        {
            (request["width"], request["height"]) = (side, side);
        }

        return Api.SubmitAsync("text2img", request, token);
    }

    /// <summary>A job that runs, and stands still after so many steps until its hold is released or it is to stop.</summary>
    public async Task<(JobDocument Job, JobHold Hold)> SubmitHeldAsync(Func<Task<JobDocument>> submit, int step, CancellationToken token)
    {
        JobHold hold = Holds.AtStep(step);
        JobDocument job = await submit();
        await hold.ReachedAsync(token);
        return (job, hold);
    }

    /// <summary>Polls until <paramref name="reached"/> holds, or the job has ended.</summary>
    public async Task<JobDocument> PollAsync(JobId id, Func<JobDocument, bool> reached, CancellationToken token)
    {
        while (true)
        {
            JobDocument job = await PatientlyAsync(() => Api.JobAsync(id, token), token);
            if (reached(job) || job.State.IsFinal())
            {
                return job;
            }

            await Task.Delay(50, token);
        }
    }

    public Task<JobDocument> EndAsync(JobId id, CancellationToken token) => PollAsync(id, _ => false, token);

    /// <summary>Changes the stack's database.</summary>
    public async Task ExecuteAsync(string sql, JobId id, CancellationToken token)
    {
        await using var connection = new NpgsqlConnection(Stack.Servers.Postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(token);
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter("id", id.Value) } };
        // A hundred thousand rows take as long as they take; the token ends the wait
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(token);
    }

    /// <summary>One value of the stack's database.</summary>
    public async Task<T> QueryAsync<T>(string sql, JobId id, CancellationToken token)
    {
        await using var connection = new NpgsqlConnection(Stack.Servers.Postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(token);
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter("id", id.Value) } };
        return (T)(await command.ExecuteScalarAsync(token))!;
    }

    /// <summary>
    /// Waits until a worker has died, and lets the lease of its job lapse at once: whoever is dead renews it no more, so nothing is
    /// learnt from the wait for it.
    /// </summary>
    public async Task LapseLeaseOfTheDeadAsync(CancellationToken token)
    {
        string[] dead;
        while ((dead = [.. _workers.Where(worker => !Stack.ProcessOf(worker).IsRunning)]).Length == 0)
        {
            await Task.Delay(20, token);
        }

        await using var connection = new NpgsqlConnection(Stack.Servers.Postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(token);
        await using var command = new NpgsqlCommand(
            "update jobs set lease_until = now() - interval '1 second' where worker_id = any(@dead) and lease_until is not null",
            connection
        )
        {
            Parameters = { new NpgsqlParameter("dead", dead) },
        };
        await command.ExecuteNonQueryAsync(token);
    }

    /// <summary>The ledger's lines for one job, oldest first: hold, then charge or release.</summary>
    public async Task<IReadOnlyList<string>> LedgerAsync(JobId id, CancellationToken token)
    {
        JsonNode page = (await PatientlyAsync(() => Api.GetAsync("/v1/account/transactions?limit=100", token), token))!;
        return
        [
            .. page["data"]!
                .AsArray()
                .Where(line => (string?)line!["job"] == id.ToString())
                .Select(line => (string)line!["entry"]!)
                .Reverse(),
        ];
    }

    /// <summary>Calls again where the API says that it cannot answer now, as while a server comes back.</summary>
    private static async Task<T> PatientlyAsync<T>(Func<Task<T>> call, CancellationToken token)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (RestException e) when (e.Status == HttpStatusCode.ServiceUnavailable)
            {
                await Task.Delay(100, token);
            }
        }
    }
}
