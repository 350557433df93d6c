using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Cli.Running;
using Generation.Contracts;

namespace Generation.Cli.Commands;

/// <summary>`model add|list|remove`: the catalogue of models, models/NAME.json.</summary>
internal static partial class ModelCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A folder in the layout of diffusers, or a checkpoint in one .safetensors file." };
        var named = new Option<string?>("--name") { Description = "What the model is called; else as its file or folder." };
        var add = new Command("add", "Check a model, run one step with it and write its catalogue entry.") { path, named };
        add.SetAction((result, token) => AddAsync(result.GetValue(path)!, result.GetValue(named), token));

        var list = new Command("list", "List the models of the catalogue.");
        list.SetAction(_ => List(Console.Out));

        var name = new Argument<string>("name") { Description = "The model's name." };
        var remove = new Command("remove", "Remove a model from the catalogue. Its weights stay where they are.") { name };
        remove.SetAction(result => Remove(result.GetValue(name)!, Console.Out));
        return new Command("model", "Add, list and remove models.") { add, list, remove };
    }

    private static async Task<int> AddAsync(string path, string? name, CancellationToken token)
    {
        string full = Path.GetFullPath(path);
        name ??= Strange().Replace(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(full)).ToLowerInvariant(), "-").Trim('-', '.', '_');
        using Process process = Process.Start(DotnetHost.Path, [Clone.Current.ProgramOf("Generation.Worker"), "models", "add", full, name, Clone.Current.Models]);
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

    private static int List(TextWriter output)
    {
        foreach (string file in Directory.EnumerateFiles(Clone.Current.Models, "*.json").Order(StringComparer.Ordinal))
        {
            ModelEntry entry = Read(file);
            output.WriteLine($"{entry.Name,-24} {entry.Family,-14} {string.Join(", ", entry.Kinds.Select(kind => kind.WireName()))}  {entry.Path}");
        }

        return 0;
    }

    private static int Remove(string name, TextWriter output)
    {
        string file = Path.Combine(Clone.Current.Models, name + ".json");
        if (Path.GetFileName(file) != name + ".json" || !File.Exists(file))
        {
            throw new StepException("remove the model", $"there is no model {name}: {file} is not there.", null, "./generation model list");
        }

        string weights = Path.GetFullPath(Read(file).Path, Clone.Current.Models);
        File.Delete(file);
        output.WriteLine($"{name} is removed; its weights stay at {weights}. Workers forget it when they start: ./generation down && ./generation up");
        return 0;
    }

    private static ModelEntry Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new StepException("read the catalogue", $"{file} is no model's entry: {e.Message}", null, "mend the file, or delete it.", e);
        }
    }

    [GeneratedRegex("[^a-z0-9._-]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Strange();
}
