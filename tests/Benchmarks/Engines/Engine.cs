using System.Diagnostics;
using System.Globalization;

namespace Generation.Benchmarks.Engines;

/// <summary>An engine in a process of its own, ready to compute one workload whenever it is asked to.</summary>
internal sealed class Engine : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly Process _process;
    private readonly Task<string> _errors;

    private Engine(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What the engine says of itself, for example that it computes in another type; empty for nothing.</summary>
    public string Remark { get; private set; } = "";

    /// <summary>The most memory that the process has had, in MiB.</summary>
    public double PeakMemory
    {
        get
        {
            const string Label = "VmHWM:";
            string line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(Label, StringComparison.Ordinal));
            return double.Parse(line[Label.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
        }
    }

    /// <summary>Starts the process and waits until it has computed once.</summary>
    /// <exception cref="EngineException">It cannot be started, or ended before it was ready.</exception>
    public static Engine Start(EngineCommand command, Workload workload, InstructionBound bound, int threads)
    {
        var start = new ProcessStartInfo(
            command.Program,
            [.. command.Arguments, workload.Name, workload.Type, "--threads", threads.ToString(CultureInfo.InvariantCulture)]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in bound.Environment.Concat(command.Environment))
        {
            start.Environment[name] = value;
        }

        Engine engine;
        try
        {
            engine = new Engine(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new EngineException(error.Message, error);
        }

        try
        {
            engine.WaitUntilReady();
            return engine;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>Computes once.</summary>
    /// <returns>The seconds that it took, by the engine's own clock.</returns>
    /// <exception cref="EngineException">The process has ended.</exception>
    public double Run()
    {
        _process.StandardInput.WriteLine("run");
        _process.StandardInput.Flush();
        return double.Parse(Answer(), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void WaitUntilReady()
    {
        const string Ready = "ready";
        string line = Answer();
        while (!line.StartsWith(Ready, StringComparison.Ordinal))
        {
            line = Answer();
        }

        Remark = line[Ready.Length..].Trim();
    }

    private string Answer()
    {
        Task<string?> line = _process.StandardOutput.ReadLineAsync();
        if (!line.Wait(Patience))
        {
            throw new EngineException($"no answer within {Patience.TotalMinutes} minutes");
        }

        return line.Result
            ?? throw new EngineException(
                _errors.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "it ended without a word"
            );
    }
}

/// <summary>An engine does not run here; the message is the last line that it wrote.</summary>
internal sealed class EngineException : Exception
{
    public EngineException(string message)
        : base(message) { }

    public EngineException(string message, Exception inner)
        : base(message, inner) { }
}
