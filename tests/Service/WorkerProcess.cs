using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Generation.Tests.Service;

/// <summary>The worker as a process of its own, as it is deployed. Disposing kills it.</summary>
internal sealed partial class WorkerProcess : IDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    private readonly Process _process;

    private WorkerProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public static async Task<WorkerProcess> StartAsync(ServiceScope scope, string id, params (string Key, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "Generation.Worker.dll") },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        IEnumerable<KeyValuePair<string, string?>> all = scope.Settings()
            .Append(new("Worker:Id", id))
            .Append(new("Models:Path", ServiceScope.Models))
            .Append(new("ASPNETCORE_URLS", "http://127.0.0.1:0"))
            .Concat(settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value)));
        foreach ((string key, string? value) in all)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var address = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) =>
        {
            const string Marker = "Now listening on: ";
            if (line.Data is not { } text)
            {
                return;
            }

            TestContext.Progress.WriteLine($"{id}: {text}");
            int at = text.IndexOf(Marker, StringComparison.Ordinal);
            if (at >= 0)
            {
                address.TrySetResult(new Uri(text[(at + Marker.Length)..]));
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        var worker = new WorkerProcess(process, await address.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        using var http = new HttpClient { BaseAddress = worker.Address };
        await ServiceScope.EventuallyAsync(
            async () => (await http.GetAsync("/readyz", ServiceScope.Limit())).IsSuccessStatusCode, $"worker {id} is ready");
        return worker;
    }

    public void Terminate() => Assert.That(Kill(_process.Id, SigTerm), Is.Zero);

    public void KillHard() => Assert.That(Kill(_process.Id, SigKill), Is.Zero);

    public Task WaitForExitAsync(double seconds) => _process.WaitForExitAsync(ServiceScope.Limit(seconds));

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
