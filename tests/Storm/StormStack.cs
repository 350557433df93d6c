using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Storm;

/// <summary>
/// A whole system for one storm: durable servers behind proxies, the API behind one, workers with a model that takes no time, and a results
/// store on a disk of its own where this machine allows to mount one.
/// </summary>
internal sealed class StormStack : IAsyncDisposable
{
    public const string Model = "storm";

    /// <summary>Short, so that a storm sees many of them end.</summary>
    public const int LeaseSeconds = 5;

    private const int WorkerCount = 2;

    private readonly string _models = Directory.CreateTempSubdirectory("storm-models-").FullName;
    private readonly string _disk;

    private StormStack()
    {
        var folder = DataFolder.Temporary("storm");
        Servers = new ProxiedServers(new PrivateServers(folder, new ServerSettings(Durable: true)));
        _disk = Directory.CreateDirectory(Path.Combine(folder.Root, "disk")).FullName;
        HasDisk = TryMount(_disk);
        Stack = new Stack(folder, new StackSettings { Workers = WorkerCount, Overrides = Settings() }, servers: Servers);
        ApiProxy = new FaultyProxy(() => new Uri(Stack.Url).Port);
    }

    public Stack Stack { get; }

    public ProxiedServers Servers { get; }

    /// <summary>Stands between the storm's clients and the API.</summary>
    public FaultyProxy ApiProxy { get; }

    public IReadOnlyList<string> Workers { get; } = [.. Enumerable.Range(1, WorkerCount).Select(number => $"worker-{number}")];

    /// <summary>The database, by a way without a proxy, for looks from outside.</summary>
    public StormDatabase Database { get; private set; } = null!;

    /// <summary>Whether the results store has a disk of its own, which can be full or read-only.</summary>
    public bool HasDisk { get; }

    private string Results => Path.Combine(_disk, "results");

    private string Ballast => Path.Combine(_disk, "ballast");

    public static async Task<StormStack> StartAsync(CancellationToken token)
    {
        var storm = new StormStack();
        try
        {
            storm.WriteModel();
            await storm.Stack.UpAsync(null, token);
            storm.Database = new StormDatabase(storm.Servers.Direct.Postgres.ConnectionString);
            return storm;
        }
        catch
        {
            await storm.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Leaves no room on the results store's disk until the result is disposed; without a disk of its own the store is away.
    /// </summary>
    public async Task<IAsyncDisposable> FillDiskAsync(CancellationToken token)
    {
        if (!HasDisk)
        {
            return TakeStoreAway();
        }

        await using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] some = new byte[1 << 20];
        for (int size = some.Length; size > 0; )
        {
            try
            {
                await ballast.WriteAsync(some.AsMemory(0, size), token);
            }
            catch (IOException)
            {
                // To the last byte
                size /= 2;
            }
        }

        return new Undo(() =>
        {
            File.Delete(Ballast);
            return Task.CompletedTask;
        });
    }

    /// <summary>Makes the store read-only until the result is disposed; without a disk of its own the store is away.</summary>
    public async Task<IAsyncDisposable> MakeStoreReadOnlyAsync(CancellationToken token)
    {
        if (!HasDisk)
        {
            return TakeStoreAway();
        }

        // It is refused while a file is open for writing
        while (Run("mount", "-o", "remount,ro", _disk) != 0)
        {
            await Task.Delay(5, token);
        }

        return new Undo(async () =>
        {
            while (Run("mount", "-o", "remount,rw", _disk) != 0)
            {
                await Task.Delay(100, CancellationToken.None);
            }
        });
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        ApiProxy.Dispose();
        if (Database is not null)
        {
            await Database.DisposeAsync();
        }

        await Stack.DownAsync(null, limit.Token);
        Servers.Dispose();
        if (HasDisk)
        {
            Run("umount", _disk);
        }

        Directory.Delete(_models, recursive: true);
    }

    private Dictionary<string, string> Settings() =>
        new()
        {
            ["Models__Path"] = _models,
            ["Results__Path"] = Results,
            ["Accounts__FreeCredits"] = "1000000",
            ["Limits__RequestsPerSecond"] = "",
            ["Limits__QueuedJobs"] = "",
            ["Jobs__LeaseSeconds"] = LeaseSeconds.ToString(CultureInfo.InvariantCulture),
            // As many as a storm may take
            ["Jobs__MaxAttempts"] = "100",
            ["Jobs__RedispatchSeconds"] = "5",
            ["Worker__Slots"] = "2",
            ["Logging__LogLevel__Default"] = "Warning",
        };

    /// <summary>The small random network of the reference data, which draws 32 x 32 pixels in a step.</summary>
    private void WriteModel() =>
        File.WriteAllText(
            Path.Combine(_models, Model + ".json"),
            JsonSerializer.Serialize(
                new Dictionary<string, object>
                {
                    ["name"] = Model,
                    ["family"] = "sd15",
                    ["kinds"] = new[] { "text2img" },
                    ["path"] = Path.Combine(Clone.Current.Root, "tests", "Goldens", "models", "sd15"),
                    ["native_width"] = 64,
                    ["native_height"] = 64,
                    ["native_multiple"] = 16,
                    ["native_min_side"] = 32,
                    ["native_max_side"] = 128,
                    ["default_width"] = 32,
                    ["default_height"] = 32,
                    ["min_side"] = 32,
                    ["max_side"] = 128,
                    ["max_pixels"] = 16384,
                    ["multiple_of"] = 16,
                    ["default_steps"] = 1,
                    ["max_steps"] = 20,
                    ["default_guidance_scale"] = 1,
                    ["default_scheduler"] = "ddim",
                }
            )
        );

    private Undo TakeStoreAway()
    {
        string aside = Results + ".aside";
        Directory.Move(Results, aside);
        File.WriteAllText(Results, "no folder");
        return new Undo(() =>
        {
            File.Delete(Results);
            Directory.Move(aside, Results);
            return Task.CompletedTask;
        });
    }

    private static bool TryMount(string folder) => Run("mount", "-t", "tmpfs", "-o", "size=1500m", "tmpfs", folder) == 0;

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo(program, arguments)
                {
                    UseShellExecute = false,
                    RedirectStandardError = true,
                    RedirectStandardOutput = true,
                }
            )!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (Win32Exception)
        {
            // There is no such program
            return -1;
        }
    }

    private sealed class Undo(Func<Task> undo) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await undo();
    }
}
