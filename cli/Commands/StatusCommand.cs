using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Client;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Spectre.Console;

namespace Generation.Cli.Commands;

/// <summary>The command `status`: shows each process with its port and health, and the queue.</summary>
internal static class StatusCommand
{
    /// <summary>How long an API that does not answer is waited for.</summary>
    private static readonly TimeSpan LoadLimit = TimeSpan.FromSeconds(30);

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    public static Command Create()
    {
        var json = new Option<bool>("--json")
        {
            Description =
                "For programs: {url, healthy, processes [{name, pid, port, address, health, draining, restarts, log, kernels, clips}], "
                + "load}.",
        };
        var command = new Command("status", "Show each process, its port and health, and the queue. Exit code 0 where all is well, else 3.")
        {
            json,
        };
        command.SetAction((result, token) => RunAsync(result.GetValue(json), token));
        return command;
    }

    private static async Task<int> RunAsync(bool json, CancellationToken token)
    {
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        IReadOnlyList<ProcessHealth> processes = await stack.CheckAsync(token);
        bool healthy = processes.Count > 0 && processes.All(process => process.IsHealthy);
        JsonNode? load = processes.Any(process => process is { Name: "api", IsHealthy: true }) ? await LoadAsync(stack, token) : null;
        if (json)
        {
            WriteJson(stack, processes, healthy, load);
        }
        else
        {
            WriteTable(processes, load);
        }

        return healthy ? 0 : 3;
    }

    private static async Task<JsonNode?> LoadAsync(Stack stack, CancellationToken token)
    {
        // What is down is to be shown, and not to be waited for
        using var client = new GenerationClient(
            new Uri(stack.Url),
            stack.Key,
            new GenerationClientOptions { Retries = 0, Timeout = LoadLimit }
        );
        try
        {
            return await client.CallAsync(HttpMethod.Get, "v1/system/load", null, token);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or HttpIOException or GenerationException or StepException)
        {
            return null;
        }
    }

    private static void WriteJson(Stack stack, IReadOnlyList<ProcessHealth> processes, bool healthy, JsonNode? load)
    {
        var document = new
        {
            url = stack.Api.Address,
            healthy,
            processes = processes.Select(process => new
            {
                name = process.Name,
                pid = process.Pid,
                port = process.Port,
                address = process.Address,
                health = process.Problem ?? "healthy",
                draining = process.IsDraining,
                restarts = process.Restarts.Count,
                log = process.Log,
                kernels = process.Kernels,
                clips = process.Clips,
            }),
            load,
        };
        Console.WriteLine(JsonSerializer.Serialize(document, Json));
    }

    private static void WriteTable(IReadOnlyList<ProcessHealth> processes, JsonNode? load)
    {
        if (processes.Count == 0)
        {
            Console.WriteLine("Nothing was started here yet: ./generation up");
            return;
        }

        Table table = new Table().Border(TableBorder.Simple).AddColumns("process", "pid", "port", "health", "log");
        foreach (ProcessHealth process in processes)
        {
            string colour = process.IsHealthy ? "green" : "red";
            table.AddRow(
                Markup.Escape(process.Name),
                $"{process.Pid}",
                $"{process.Port}",
                $"[{colour}]{Markup.Escape(process.Problem ?? "healthy")}[/]{Markup.Escape(Story(process))}",
                Markup.Escape(process.Log ?? "")
            );
        }

        AnsiConsole.Write(table);
        if (load is not null)
        {
            WriteQueue(load);
        }

        WriteWords("kernels", processes, process => process.Kernels);
        WriteWords("clips", processes, process => process.Clips);
    }

    private static string Story(ProcessHealth process)
    {
        string drained = process.IsDraining ? ", drained: takes no jobs" : "";
        return process.Restarts is (> 0 and int count, { } at) ? $"{drained}, died {count}x, started again at {at:HH:mm:ss} UTC" : drained;
    }

    /// <summary>Writes a line that holds for all workers or, where they differ, one line for each value with the workers' names.</summary>
    private static void WriteWords(string title, IReadOnlyList<ProcessHealth> processes, Func<ProcessHealth, string?> word)
    {
        IGrouping<string, ProcessHealth>[] words =
        [
            .. processes.Where(process => word(process) is not null).GroupBy(process => word(process)!),
        ];
        foreach (IGrouping<string, ProcessHealth> same in words)
        {
            Console.WriteLine(
                $"  {title}: {same.Key}{(words.Length > 1 ? $" ({string.Join(", ", same.Select(process => process.Name))})" : "")}"
            );
        }
    }

    private static void WriteQueue(JsonNode load)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("queue", "queued", "running", "workers", "free slots", "wait (s)");
        foreach ((string model, JsonNode? figures) in load["models"]?.AsObject() ?? [])
        {
            AddQueue(table, model, figures);
        }

        AddQueue(table, "in all", load["total"]);
        AnsiConsole.Write(table);
    }

    private static void AddQueue(Table table, string name, JsonNode? figures)
    {
        string[] fields = ["queued", "running", "workers", "free_slots", "wait_seconds"];
        table.AddRow([Markup.Escape(name), .. fields.Select(field => $"{figures?[field]}")]);
    }
}
