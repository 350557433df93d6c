using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Generation.Service.Tests;

/// <summary>The worker as a process of its own, as it is deployed. Disposing kills it.</summary>
internal sealed partial class WorkerProcess : IDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;
    private const int FileSize = 1;
    private const int AddressSpace = 9;

    private readonly Process _process;

    private readonly List<Uri> _addresses = [];
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WorkerProcess(Process process) => _process = process;

    /// <summary>Where it listens; a new one each time it begins anew.</summary>
    public Uri Address
    {
        get
        {
            lock (_addresses)
            {
                return _addresses[^1];
            }
        }
    }

    /// <summary>How often it has begun.</summary>
    public int Starts
    {
        get
        {
            lock (_addresses)
            {
                return _addresses.Count;
            }
        }
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public static async Task<WorkerProcess> StartAsync(ServiceScope scope, string id, params (string Key, string Value)[] settings)
    {
        // A process at its limit of file sizes gets a signal, which kills unless whoever started it had it ignored; then writing fails
        var start = new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", "trap '' XFSZ; exec dotnet \"$0\"", Path.Combine(AppContext.BaseDirectory, "Generation.Service.dll") },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        IEnumerable<KeyValuePair<string, string?>> all = scope
            .Settings()
            .Append(new("Worker:Id", id))
            .Append(new("Models:Path", ServiceScope.Models))
            .Append(new("ASPNETCORE_URLS", "http://127.0.0.1:0"))
            .Append(new("Faults:Folder", ServiceScope.Holds.Folder))
            .Concat(settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value)));
        foreach ((string key, string? value) in all)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var worker = new WorkerProcess(new Process { StartInfo = start, EnableRaisingEvents = true });
        worker._process.OutputDataReceived += (_, line) => worker.Read(id, line.Data);
        worker._process.Start();
        worker._process.BeginOutputReadLine();
        await worker._listening.Task.WaitAsync(TimeSpan.FromMinutes(3));
        await worker.WaitUntilReadyAsync();
        return worker;
    }

    public async Task WaitUntilReadyAsync()
    {
        using var http = new HttpClient();
        await ServiceScope.EventuallyAsync(
            async () => (await http.GetAsync(new Uri(Address, "/readyz"), ServiceScope.Limit())).IsSuccessStatusCode,
            "the worker is ready"
        );
    }

    /// <summary>Lets the process have so much more address space than it has now; null: as much as it wants.</summary>
    public void LimitMemory(long? more)
    {
        string size = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmSize:", StringComparison.Ordinal));
        ulong now = ulong.Parse(size.Split(':')[1].Replace("kB", "", StringComparison.Ordinal).Trim()) * 1024;
        ulong[] limit = [more is { } bytes ? now + (ulong)bytes : ulong.MaxValue, ulong.MaxValue];
        Assert.That(SetLimit(Id, AddressSpace, limit, 0), Is.Zero);
    }

    /// <summary>
    /// Lets the process write no file beyond so many bytes, as a disk does that is full after them; null: as long as it wants.
    /// </summary>
    public void LimitFileSize(long? bytes) =>
        Assert.That(SetLimit(Id, FileSize, [bytes is { } most ? (ulong)most : ulong.MaxValue, ulong.MaxValue], 0), Is.Zero);

    public void Terminate() => Assert.That(Kill(_process.Id, SigTerm), Is.Zero);

    public void KillHard() => Assert.That(Kill(_process.Id, SigKill), Is.Zero);

    public Task WaitForExitAsync() => _process.WaitForExitAsync(ServiceScope.Limit());

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Read(string id, string? text)
    {
        const string Marker = "Now listening on: ";
        if (text is null)
        {
            return;
        }

        TestContext.Progress.WriteLine($"{id}: {text}");
        int at = text.IndexOf(Marker, StringComparison.Ordinal);
        if (at >= 0)
        {
            lock (_addresses)
            {
                _addresses.Add(new Uri(text[(at + Marker.Length)..]));
            }

            _listening.TrySetResult();
        }
    }

    [LibraryImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetLimit(int process, int resource, [In] ulong[] limit, nint old);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
