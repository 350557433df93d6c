using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion;
using Generation.Diffusion.Pipelines;

namespace Generation.Worker.Models;

/// <summary>The program's other way to be called, `models add PATH NAME FOLDER`: checks a model and writes its catalogue entry.</summary>
internal static class ModelAddition
{
    private static readonly JsonSerializerOptions Indented = new(WireJson.Options) { WriteIndented = true };

    /// <returns>The exit code: 0, 1 where the model is refused, 2 where the call is wrong.</returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter errors)
    {
        if (arguments is not [string path, string name, string folder])
        {
            errors.WriteLine("usage: models add PATH NAME FOLDER");
            return 2;
        }

        try
        {
            string file = Add(Path.GetFullPath(path), name, Path.GetFullPath(folder), output);
            output.WriteLine($"{file} is written. Workers find it when they start: ./generation down && ./generation up");
            return 0;
        }
        catch (Exception e) when (e is WeightsException or SettingException or IOException or UnauthorizedAccessException)
        {
            errors.WriteLine(e.Message);
            return 1;
        }
    }

    /// <summary>Checks the model at <paramref name="path"/> and writes FOLDER/NAME.json, which nobody sees half written.</summary>
    /// <returns>The entry's file.</returns>
    public static string Add(string path, string name, string folder, TextWriter output)
    {
        if (!ModelCatalog.IsName(name))
        {
            throw new WeightsException($"The name '{name}' must be of lowercase letters, digits, '-', '.' and '_', 100 at most. Choose one with --name.");
        }

        string file = Path.Combine(folder, name + ".json");
        if (File.Exists(file))
        {
            throw new WeightsException($"There is a model {name} already ({file}). Choose another name with --name, or remove it first.");
        }

        output.WriteLine($"Checking {path}, and running one step ...");
        var trial = ModelTrial.Run(path);
        ModelEntry entry = EntryOf(trial, name, Path.GetRelativePath(folder, path));
        string part = file + ".part";
        File.WriteAllText(part, JsonSerializer.Serialize(entry, Indented) + "\n");
        File.Move(part, file);
        output.WriteLine($"{name}: {entry.Family}, {string.Join(", ", entry.Kinds.Select(kind => kind.WireName()))}, {entry.NativeWidth} x {entry.NativeHeight} pixels.");
        return file;
    }

    private static ModelEntry EntryOf(ModelTrial trial, string name, string path)
    {
        bool isFlux = trial.Family == "flux", enlarges = trial.Kinds is [JobKind.SuperResolution];
        int Down(int side) => Math.Max(trial.Multiple, side / trial.Multiple * trial.Multiple);
        int longest = Math.Max(trial.Native.Width, trial.Native.Height), shortest = Math.Min(trial.Native.Width, trial.Native.Height);
        return new ModelEntry
        {
            Name = name,
            Family = trial.Family,
            Kinds = trial.Kinds,
            Path = path,
            NativeWidth = trial.Native.Width,
            NativeHeight = trial.Native.Height,
            NativeMultiple = trial.Multiple,
            NativeMinSide = Down(shortest / 2),
            NativeMaxSide = Down(longest * 2),
            DefaultWidth = trial.Native.Width,
            DefaultHeight = trial.Native.Height,
            MinSide = Down(shortest / 2),
            MaxSide = longest * (enlarges ? 8 : 4),
            MaxPixels = (long)trial.Native.Width * trial.Native.Height * (enlarges ? 64 : 16),
            DefaultSteps = isFlux ? 28 : enlarges ? 75 : 30,
            MaxSteps = 150,
            DefaultGuidanceScale = isFlux ? 3.5 : enlarges ? 9 : trial.Family.StartsWith("sdxl", StringComparison.Ordinal) ? 5 : 7.5,
            DefaultScheduler = isFlux ? "flow_euler" : "ddim",
            Scale = enlarges ? 4 : null,
            PriceFactor = trial.Family switch { "flux" => 10m, "sdxl" or "sdxl-refiner" => 3m, _ => 1m },
        };
    }
}
