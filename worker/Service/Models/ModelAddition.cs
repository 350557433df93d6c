using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Service.Models;

/// <summary>
/// The command `models add PATH NAME FOLDER [TO [TYPE]]` of this program: checks a model and writes its catalogue entry, or checks a part
/// and writes it into the entry of the model TO.
/// </summary>
internal static class ModelAddition
{
    private static readonly JsonSerializerOptions Indented = new(WireJson.Options) { WriteIndented = true };

    private const int ListedKeys = 10;

    /// <returns>The exit code: 0 for success, 1 where the model is refused, 2 where the arguments are wrong.</returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter errors)
    {
        if (arguments is not [string path, string name, string folder, .. { Length: <= 2 } onto])
        {
            errors.WriteLine("usage: models add PATH NAME FOLDER [TO [TYPE]]");
            return 2;
        }

        try
        {
            string file = Add(
                Path.GetFullPath(path),
                name,
                Path.GetFullPath(folder),
                output,
                Given(onto.ElementAtOrDefault(0)),
                Given(onto.ElementAtOrDefault(1))
            );
            output.WriteLine($"{file} is written. Workers find it when they start: ./generation down && ./generation up");
            return 0;
        }
        catch (UnauthorizedAccessException e)
        {
            errors.WriteLine($"{e.Message} Give yourself the right to it (chmod), or call as the user who has it.");
            return 1;
        }
        catch (Exception e)
            when (e
                    is WeightsException
                        or SettingException
                        or LoraException
                        or SchedulerException
                        or TokenizerException
                        or ConfigException
                        or PromptException
                        or IOException
            )
        {
            errors.WriteLine(e.Message);
            return 1;
        }

        static string? Given(string? argument) => string.IsNullOrEmpty(argument) ? null : argument;
    }

    /// <summary>
    /// Checks what lies at <paramref name="path"/> and writes FOLDER/NAME.json in one piece. A part is written into another model's entry,
    /// a LoRA or embedding into its folder.
    /// </summary>
    /// <param name="to">The model that a part is added to.</param>
    /// <param name="type">For a control network the type of its control pictures, for example canny.</param>
    /// <returns>The path of the file that was written.</returns>
    public static string Add(string path, string name, string folder, TextWriter output, string? to = null, string? type = null)
    {
        if (!ModelCatalog.IsName(name))
        {
            throw new WeightsException(
                $"The name '{name}' must be of lowercase letters, digits, '-', '.' and '_', 100 at most. Choose one with --name."
            );
        }

        AddedKind kind = AddedKinds.Of(path);
        if (kind is not (AddedKind.Model or AddedKind.Upscaler))
        {
            return new PartAddition(path, name, folder, output).Add(kind, to, type);
        }

        if (to is not null)
        {
            throw new WeightsException($"{path} is a model of its own, no part of {to}. Leave --to out.");
        }

        string file = Path.Combine(folder, name + ".json");
        if (File.Exists(file))
        {
            throw new WeightsException($"There is a model {name} already ({file}). Choose another name with --name, or remove it first.");
        }

        output.WriteLine($"Checking {path}, and running one step ...");
        string relative = Path.GetRelativePath(folder, path);
        ModelEntry entry = kind switch
        {
            AddedKind.Upscaler => UpscalerEntryOf(TryUpscaler(path), name, relative),
            _ => EntryOf(path, name, relative, output),
        };
        string part = file + ".part";
        File.WriteAllText(part, JsonSerializer.Serialize(entry, Indented) + "\n");
        File.Move(part, file);
        string size = entry.NativeWidth > 0 ? $"{entry.NativeWidth} x {entry.NativeHeight} pixels" : $"{entry.Scale} times larger";
        output.WriteLine($"{name}: {entry.Family}, {string.Join(", ", entry.Kinds.Select(kind => kind.WireName()))}, {size}.");
        return file;
    }

    private static ModelEntry UpscalerEntryOf(int scale, string name, string path) =>
        new()
        {
            Name = name,
            Family = "real-esrgan",
            Kinds = [JobKind.SuperResolution],
            Path = path,
            Scale = scale,
            MinSide = 16,
            MaxSide = 4096,
            MaxPixels = 4096 * 4096,
        };

    /// <summary>Loads every network, which compares all keys and shapes, and runs each once.</summary>
    /// <returns>The largest factor that any of the networks enlarges by.</returns>
    private static int TryUpscaler(string path)
    {
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        using var networks = UpscalerSet.FromPretrained(path);
        foreach (int scale in networks.Scales)
        {
            try
            {
                networks.UpscaleBy(new Picture(32, 32, 3), scale);
            }
            catch (NotFiniteException e)
            {
                throw new WeightsException(
                    $"{path}: a picture enlarged with it has values that are no numbers: the weights are damaged.",
                    e
                );
            }
        }

        return networks.Scales.Max();
    }

    /// <summary>
    /// Loads every part, which compares all keys and shapes, runs one step, and returns the catalogue entry of the model.
    /// </summary>
    private static ModelEntry EntryOf(string path, string name, string relative, TextWriter output)
    {
        var source = new ModelSource(ModelFiles.Open(path));
        if (source.Files is OneFileModel { Unknown: { Count: > 0 } unknown })
        {
            string more = unknown.Count > ListedKeys ? ", ..." : "";
            output.WriteLine(
                $"Left out, since they belong to no part of a model: {unknown.Count} keys "
                    + $"({string.Join(", ", unknown.Take(ListedKeys))}{more})."
            );
        }

        ModelFamily family = ModelFamilies.Of(source);
        using DiffusionModel model = family.Load(source, family.PublishedDtype);
        model.Try(path);
        PictureSize native = model.NativeSize;
        bool enlarges = model.Abilities == ModelAbilities.Upscale;
        int Down(int side) => Math.Max(model.Multiple, side / model.Multiple * model.Multiple);
        int longest = Math.Max(native.Width, native.Height);
        int smallest = Down(Math.Min(native.Width, native.Height) / 2);
        ModelDefaults defaults = model.Defaults;
        return new ModelEntry
        {
            Name = name,
            Family = model.Family,
            Kinds = [.. KindAbilities.Of(model.Abilities)],
            Path = relative,
            NativeWidth = native.Width,
            NativeHeight = native.Height,
            NativeMultiple = model.Multiple,
            NativeMinSide = smallest,
            NativeMaxSide = Down(longest * 2),
            DefaultWidth = native.Width,
            DefaultHeight = native.Height,
            MinSide = smallest,
            MaxSide = longest * (enlarges ? 8 : 4),
            MaxPixels = (long)native.Width * native.Height * (enlarges ? 64 : 16),
            DefaultSteps = defaults.Steps,
            MaxSteps = 150,
            DefaultFrames = model.NativeFrames ?? 16,
            MaxFrames = Math.Max(model.NativeFrames ?? 0, 32),
            DefaultFps = model.NativeFrames is null ? 8 : 7,
            DefaultGuidanceScale = defaults.GuidanceScale,
            DefaultScheduler = defaults.Scheduler,
            Scale = enlarges ? 4 : null,
            PriceFactor = defaults.RelativeCost,
        };
    }
}

/// <summary>Which kinds of jobs follow from a model's abilities.</summary>
internal static class KindAbilities
{
    // Control is not among them: a model does it once its entry names a control network
    private static readonly (ModelAbilities Ability, JobKind Kind)[] Table =
    [
        (ModelAbilities.Text2Img, JobKind.Text2Img),
        (ModelAbilities.Img2Img, JobKind.Img2Img),
        (ModelAbilities.Inpaint, JobKind.Inpaint),
        (ModelAbilities.Outpaint, JobKind.Outpaint),
        (ModelAbilities.Edit, JobKind.Edit),
        (ModelAbilities.Upscale, JobKind.SuperResolution),
        (ModelAbilities.Text2Video, JobKind.Video),
        (ModelAbilities.Img2Video, JobKind.Video),
    ];

    /// <summary>The kinds that a model with these abilities can do, each once.</summary>
    public static IEnumerable<JobKind> Of(ModelAbilities abilities) =>
        Table.Where(row => abilities.HasFlag(row.Ability)).Select(row => row.Kind).Distinct();
}
