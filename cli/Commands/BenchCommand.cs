using System.CommandLine;
using System.Diagnostics;
using Generation.Hosting;

namespace Generation.Cli.Commands;

/// <summary>The command `bench ...`: runs tests/Benchmarks with the same arguments.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var arguments = new Argument<string[]>("arguments")
        {
            Description = "What to measure, and how. Without arguments, all measurements are listed.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("bench", "Measure speed and memory: runs tests/Benchmarks.") { arguments };
        command.SetAction((result, token) => RunAsync(result.GetValue(arguments) ?? [], token));
        return command;
    }

    private static async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken token)
    {
        string program = Clone.Current.ProgramOf("Generation.Benchmarks");
        if (!File.Exists(program))
        {
            throw new StepException("find the benchmarks", $"{program} is not built.", null, "dotnet build -c Release");
        }

        using var process = Process.Start(DotnetHost.Path, [program, .. arguments]);
        try
        {
            await process.WaitForExitAsync(token);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
