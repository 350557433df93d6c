using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>One of our own programs, the API or a worker, with an HTTP port on the loopback address.</summary>
public sealed class OwnProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(3) };

    private readonly Clone _clone;
    private readonly DataFolder _folder;
    private readonly string _project;
    private readonly ManagedProcess _process;

    public OwnProgram(Clone clone, DataFolder folder, string name, string project)
    {
        _clone = clone;
        _folder = folder;
        _project = project;
        _process = new ManagedProcess(folder.Run, name);
        Log = Path.Combine(folder.Logs, name + ".log");
    }

    public string Name => _process.Name;

    public string Log { get; }

    public ManagedProcess Process => _process;

    public bool IsRunning => _process.IsRunning;

    public string? Address => _process.Port is { } port ? $"http://127.0.0.1:{port}" : null;

    /// <summary>Starts the program if it does not run; one that runs with an older build or other settings is stopped first.</summary>
    /// <returns>Whether it was started.</returns>
    public async Task<bool> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken token)
    {
        if (IsCurrent(settings))
        {
            return false;
        }

        if (IsRunning)
        {
            await StopAsync(token);
        }

        int port = Ports.PreviousOrFree(_process.Port);
        var environment = new Dictionary<string, string>(settings)
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}",
        };
        _process.Start(
            new Launch
            {
                Program = DotnetHost.Path,
                Arguments = [_clone.ProgramOf(_project)],
                Environment = environment,
                InheritsEnvironment = true,
                Folder = _folder.Root,
                Log = Log,
                Port = port,
                Edition = EditionOf(settings),
            }
        );
        return true;
    }

    /// <summary>Whether the program runs with this build and these settings.</summary>
    public bool IsCurrent(IReadOnlyDictionary<string, string> settings) => _process.IsRunning && _process.Edition == EditionOf(settings);

    /// <summary>
    /// Waits until the program says that it is ready; says from time to time why it is not. One that dies meanwhile is for its supervisor
    /// to start again.
    /// </summary>
    public async Task WaitUntilReadyAsync(IProgress<string>? progress, TimeSpan limit, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan next = Patience;
        string? problem = null;
        await _process.WaitUntilAsync(IsReadyAsync, limit, token, () => problem, isSupervised: true);

        async Task<bool> IsReadyAsync(CancellationToken stop)
        {
            (problem, _) = await AskAsync(stop);
            if (problem is not null && clock.Elapsed > next)
            {
                progress?.Report($"{Name} {problem} yet; its log is {Log}");
                next = clock.Elapsed + Patience;
            }

            return problem is null;
        }
    }

    public async Task<ProcessHealth> CheckAsync(CancellationToken token)
    {
        (string? problem, JsonNode? said) = IsRunning ? await AskAsync(token) : (ProcessHealth.NotRunning, null);
        return new ProcessHealth(Name, _process.Pid, _process.Port, Address, problem, Log)
        {
            Kernels = Word(said, "kernels"),
            Clips = Word(said, "clips"),
            IsDraining = Word(said, "status") == "draining",
            Restarts = _process.Restarts,
        };
    }

    /// <summary>Asks the program to end; a worker first hands its jobs back.</summary>
    public Task StopAsync(CancellationToken token) => _process.StopAsync(Posix.SigTerm, TimeSpan.FromSeconds(15), token);

    /// <summary>Asks the program how it is, and returns what is wrong, or null, and its answer.</summary>
    private async Task<(string? Problem, JsonNode? Said)> AskAsync(CancellationToken token)
    {
        try
        {
            using HttpResponseMessage answer = await Http.GetAsync(new Uri($"{Address}/readyz"), token);
            JsonNode? said = Parse(await answer.Content.ReadAsStringAsync(token));
            return (answer.IsSuccessStatusCode ? null : $"answers {(int)answer.StatusCode} to /readyz{Why(said)}", said);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            token.ThrowIfCancellationRequested();
            return ("does not answer", null);
        }
    }

    /// <summary>Says what is wrong, by each of the program's parts in its answer.</summary>
    private static string Why(JsonNode? said)
    {
        IEnumerable<string?> reasons = (said as JsonObject)?["checks"] is JsonObject checks
            ? checks.Select(check => Word(check.Value, "detail"))
            : [Word(said, "problem")];
        return string.Concat(reasons.Where(reason => reason is not null).Select(reason => $": {reason}"));
    }

    private static string? Word(JsonNode? said, string name) =>
        said is JsonObject fields && fields[name] is JsonValue value && value.TryGetValue(out string? word) ? word : null;

    private static JsonNode? Parse(string answer)
    {
        try
        {
            return JsonNode.Parse(answer);
        }
        catch (JsonException)
        {
            // Not ours: something else listens at the port
            return null;
        }
    }

    /// <summary>A text that stands for the build and the settings: it is equal where both are.</summary>
    public string EditionOf(IReadOnlyDictionary<string, string> settings) => EditionOf(_clone, _project, settings);

    /// <summary>Returns the same text for any program of the clone.</summary>
    public static string EditionOf(Clone clone, string project, IReadOnlyDictionary<string, string> settings)
    {
        DateTime built = Directory
            .EnumerateFiles(clone.OutputOf(project), "*.*", SearchOption.TopDirectoryOnly)
            .Where(file => Path.GetExtension(file) is ".dll" or ".so")
            .Select(File.GetLastWriteTimeUtc)
            .DefaultIfEmpty()
            .Max();
        string text = string.Join(
            '\n',
            settings.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}")
        );
        return $"{built:O} {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16]}";
    }
}
