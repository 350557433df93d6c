using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Contracts;
using Generation.Hosting;

namespace Generation.Cli.Commands;

/// <summary>The command `model add|list|remove`, for the catalogue of models, models/NAME.json.</summary>
internal static partial class ModelCommand
{
    // Beside the models, for all that they fit
    private static readonly (string Folder, string What)[] Adapters = [("loras", "LoRA"), ("embeddings", "embedding")];

    public static Command Create()
    {
        var path = new Argument<string>("path")
        {
            Description =
                "A folder in the layout of diffusers, or one .safetensors file: a checkpoint, an upscaler, a LoRA, a textual inversion, "
                + "a control network.",
        };
        var named = new Option<string?>("--name") { Description = "The name to add it under; without it, the name of the file or folder." };
        var to = new Option<string?>("--to") { Description = "The model to add a control network, a motion adapter or an autoencoder to." };
        var type = new Option<string?>("--type")
        {
            Description = "The type of a control network's pictures, as requests name it: canny, depth, pose, ...",
        };
        var add = new Command("add", "Check a model or a part of one, run one step with it and write it into the catalogue.")
        {
            path,
            named,
            to,
            type,
        };
        add.SetAction(
            (result, token) => AddAsync(result.GetValue(path)!, result.GetValue(named), result.GetValue(to), result.GetValue(type), token)
        );

        var list = new Command("list", "List the models of the catalogue.");
        list.SetAction(_ => List(Console.Out));

        var name = new Argument<string>("name") { Description = "The name of a model, a LoRA or an embedding." };
        var remove = new Command(
            "remove",
            "Remove a model from the catalogue, or a LoRA or embedding from its folder. A model's weights stay where they are."
        )
        {
            name,
        };
        remove.SetAction(result => Remove(result.GetValue(name)!, Console.Out));
        return new Command("model", "Add, list and remove models.") { add, list, remove };
    }

    private static async Task<int> AddAsync(string path, string? name, string? to, string? type, CancellationToken token)
    {
        string full = Path.GetFullPath(path);
        name ??= Strange()
            .Replace(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(full)).ToLowerInvariant(), "-")
            .Trim('-', '.', '_');
        using var process = Process.Start(
            DotnetHost.Path,
            [Clone.Current.ProgramOf("Generation.Service"), "models", "add", full, name, Clone.Current.Models, to ?? "", type ?? ""]
        );
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
            output.WriteLine(
                $"{entry.Name, -24} {entry.Family, -14} {string.Join(", ", entry.Kinds.Select(kind => kind.WireName()))}  {entry.Path}"
            );
        }

        foreach ((string folder, string what) in Adapters)
        {
            foreach (string file in Files(folder).Order(StringComparer.Ordinal))
            {
                output.WriteLine($"{Path.GetFileNameWithoutExtension(file), -24} {what, -14} {folder}/{Path.GetFileName(file)}");
            }
        }

        return 0;
    }

    private static int Remove(string name, TextWriter output)
    {
        string file = Path.Combine(Clone.Current.Models, name + ".json");
        if (Path.GetFileName(file) != name + ".json" || !File.Exists(file))
        {
            // A copy that `add` made
            if (
                Adapters
                    .SelectMany(adapter => Files(adapter.Folder))
                    .FirstOrDefault(adapter => Path.GetFileNameWithoutExtension(adapter) == name) is
                { } copy
            )
            {
                File.Delete(copy);
                output.WriteLine($"{copy} is deleted. Workers forget it when they start: ./generation down && ./generation up");
                return 0;
            }

            throw new StepException("remove the model", $"there is no model {name}: {file} is not there.", null, "./generation model list");
        }

        string weights = Path.GetFullPath(Read(file).Path, Clone.Current.Models);
        File.Delete(file);
        output.WriteLine(
            $"{name} is removed; its weights stay at {weights}. Workers forget it when they start: ./generation down && ./generation up"
        );
        return 0;
    }

    private static IEnumerable<string> Files(string folder) =>
        Path.Combine(Clone.Current.Models, folder) is var full && Directory.Exists(full)
            ? Directory.EnumerateFiles(full, "*.safetensors")
            : [];

    private static ModelEntry Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options)
                ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new StepException(
                "read the catalogue",
                $"{file} is no model's entry: {e.Message}",
                null,
                "mend the file, or delete it.",
                e
            );
        }
    }

    [GeneratedRegex("[^a-z0-9._-]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Strange();
}
