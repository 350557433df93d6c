using System.Globalization;
using System.Security.Cryptography;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.A1111;

/// <summary>A request of this face as native bodies, one for each job that answers it.</summary>
/// <param name="table">The face's table.</param>
/// <param name="body">The request.</param>
/// <param name="options">The account's options, with the request's override_settings over them.</param>
/// <param name="catalogue">The models that workers have registered.</param>
/// <param name="schedulers">The schedulers that workers have registered.</param>
internal sealed partial class A1111Bodies(
    A1111Table table,
    FaceBody body,
    IReadOnlyDictionary<string, string> options,
    IReadOnlyDictionary<string, ModelEntry> catalogue,
    IReadOnlyList<SchedulerEntry> schedulers
)
{
    /// <summary>The web UI's latents are pictures of an eighth; sides are rounded down to that.</summary>
    private const int SideStep = 8;

    private const int MostWarnings = 40;

    private readonly List<string> _warnings = [];
    private A1111Sampling _sampling = new(null, "", "Automatic", []);

    /// <summary>What of the request is not done as it may have been meant.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>How many pictures are made at a time, and how many times.</summary>
    public (int Size, int Iterations) Batch { get; private set; } = (1, 1);

    /// <summary>The sampler as it was asked for, and the schedule's label.</summary>
    public A1111Sampling Sampling => _sampling;

    /// <summary>The names of the styles, as they were asked for.</summary>
    public IReadOnlyList<string> Styles { get; } = body.Texts("styles");

    /// <summary>The jobs of a txt2img call.</summary>
    public IReadOnlyList<PictureBody> Text2Img()
    {
        ControlBody[] controls = Controls();
        PictureBody native =
            controls.Length > 0
                ? Common(new ControlNetBody { Control = controls, GuessMode = _guessMode }, JobKind.ControlNet)
                : Common(new Text2ImgBody(), JobKind.Text2Img);
        HiresFix(native);
        return InParts(native, ModelOf(native)?.MaxImages);
    }

    /// <summary>A request's pictures as jobs: as many each as it makes at a time, and no more than the model does.</summary>
    private List<PictureBody> InParts(PictureBody native, int? most)
    {
        (int size, int iterations) = Batch;
        int part = Math.Max(1, Math.Min(size, most ?? size));
        var jobs = new List<PictureBody>();
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            for (int made = 0; made < size; made += part)
            {
                jobs.Add(native with { NumImages = Math.Min(part, size - made), Seed = native.Seed + (iteration * size) + made });
            }
        }

        return jobs;
    }

    private T Common<T>(T native, JobKind kind)
        where T : PictureBody
    {
        ModelEntry? model = Model(kind);
        native.Model = options.GetValueOrDefault(A1111Options.Checkpoint) ?? model?.Name;
        (native.Prompt, native.NegativePrompt) = Prompts();
        native.Width = Side("width", table.Defaults.Width);
        native.Height = Side("height", table.Defaults.Height);
        native.NumInferenceSteps = body.Int("steps") ?? Math.Min(table.Defaults.Steps, model?.MaxSteps ?? table.Defaults.Steps);
        native.GuidanceScale = GuidanceScale(model);
        native.Scheduler = Scheduler();
        native.Seed = Seed();
        native.ClipSkip = ClipSkip();
        native.Vae = Vae(model);
        native.Refiner = Refiner();
        native.OutputFormat = Format();
        native.OutputQuality = Whole("jpeg_quality");
        ReadBatch();
        WarnOfCommon();
        return native;
    }

    private ModelEntry? Model(JobKind kind) =>
        options.GetValueOrDefault(A1111Options.Checkpoint) is { } name
            ? catalogue.GetValueOrDefault(name)
            : A1111Names.Default(kind, table, catalogue);

    private ModelEntry? ModelOf(PictureBody native) => native.Model is { } name ? catalogue.GetValueOrDefault(name) : null;

    private (string Prompt, string? Negative) Prompts()
    {
        string prompt = body.Text("prompt") ?? "";
        string negative = body.Text("negative_prompt") ?? "";
        foreach (string name in Styles)
        {
            if (table.Styles.TryGetValue(name, out A1111Style? style))
            {
                prompt = Styled(prompt, style.Prompt);
                negative = Styled(negative, style.NegativePrompt);
            }
            else
            {
                Warn($"styles: there is no style '{ErrorText.Shown(name)}'.");
            }
        }

        return (prompt, negative.Length > 0 ? negative : null);
    }

    private static string Styled(string words, string style) =>
        style.Length == 0 ? words
        : style.Contains("{prompt}", StringComparison.Ordinal) ? style.Replace("{prompt}", words, StringComparison.Ordinal)
        : words.Length == 0 ? style
        : $"{words.Trim()}, {style}";

    private int Side(string field, int usual)
    {
        int side = body.Int(field) ?? usual;
        return side > 0 ? Math.Max(SideStep, side / SideStep * SideStep) : side;
    }

    private double? GuidanceScale(ModelEntry? model)
    {
        double? given = body.Number("cfg_scale");
        if (model is null || !table.DistilledFamilies.Contains(model.Family))
        {
            return given ?? table.Defaults.CfgScale;
        }

        if (given is not (null or 1))
        {
            Warn($"cfg_scale: {model.Name} is guided by distilled_cfg_scale alone.");
        }

        return body.Number("distilled_cfg_scale");
    }

    private string? Scheduler()
    {
        try
        {
            _sampling = A1111Names.Sampling(
                body.Text("sampler_name") ?? body.Text("sampler_index"),
                body.Text("scheduler"),
                table,
                schedulers
            );
            foreach (string warning in _sampling.Warnings)
            {
                Warn(warning);
            }
        }
        catch (UnknownNameException e)
        {
            body.Errors.Add("sampler_name", e.Message);
        }

        return _sampling.Scheduler;
    }

    /// <summary>The seed of the first picture; -1 and none are drawn.</summary>
    private long Seed() => body.Integer("seed") is { } seed && seed != -1 ? seed : RandomNumberGenerator.GetInt32(int.MaxValue);

    /// <summary>1 is the text encoder's last layer there, and 0 of its layers left out here.</summary>
    private int? ClipSkip()
    {
        int? last = body.Int("clip_skip") ?? Whole("CLIP_stop_at_last_layers");
        return last > 1 ? last - 1 : null;
    }

    private string? Vae(ModelEntry? model)
    {
        string? name = options.GetValueOrDefault("sd_vae");
        if (name is null || name.Equals("Automatic", StringComparison.OrdinalIgnoreCase) || name is "None" or "none")
        {
            return null;
        }

        string bare = WeightFiles.Bare(name);
        return model?.Vaes.FirstOrDefault(v => v.Name.Equals(bare, StringComparison.OrdinalIgnoreCase))?.Name ?? bare;
    }

    private RefinerBody? Refiner()
    {
        if (body.Text("refiner_checkpoint") is not { } name || name is "None" or "none")
        {
            return null;
        }

        try
        {
            return new RefinerBody { Model = A1111Names.Checkpoint(name, table, catalogue), SwitchAt = body.Number("refiner_switch_at") };
        }
        catch (UnknownNameException e)
        {
            body.Errors.Add("refiner_checkpoint", e.Message);
            return null;
        }
    }

    private string? Format()
    {
        string? format = options.GetValueOrDefault("samples_format")?.ToLowerInvariant();
        return format == "jpeg" ? "jpg" : format;
    }

    private int? Whole(string option) =>
        options.TryGetValue(option, out string? text)
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? (int)Math.Clamp(number, int.MinValue, int.MaxValue)
            : null;

    private void ReadBatch()
    {
        int size = Count("batch_size");
        int iterations = Count("n_iter");
        if ((long)size * iterations > table.MaxImages)
        {
            body.Errors.Add("batch_size", $"times n_iter may be {table.MaxImages} pictures at most, and is {(long)size * iterations}");
            (size, iterations) = (1, 1);
        }

        Batch = (size, iterations);
    }

    private int Count(string field)
    {
        int count = body.Int(field) ?? 1;
        if (count >= 1)
        {
            return count;
        }

        body.Errors.Add(field, $"must be 1 at least, and is {count}");
        return 1;
    }

    /// <summary>
    /// Draws small, enlarges, and draws over it: width and height are the small picture's there, and the large one's here.
    /// </summary>
    private void HiresFix(PictureBody native)
    {
        if (body.Flag("enable_hr") != true)
        {
            return;
        }

        if (native is not { Width: > 0 and var width, Height: > 0 and var height })
        {
            return;
        }

        (int x, int y) = (body.Int("hr_resize_x") ?? 0, body.Int("hr_resize_y") ?? 0);
        (int firstWidth, int firstHeight) = (body.Int("firstphase_width") ?? 0, body.Int("firstphase_height") ?? 0);
        double scale;
        if (firstWidth > 0 || firstHeight > 0)
        {
            // The old manner: width and height are the large picture's already
            scale = firstWidth > 0 ? (double)width / firstWidth : (double)height / firstHeight;
        }
        else
        {
            scale =
                x > 0 && y > 0 ? Math.Max((double)x / width, (double)y / height)
                : x > 0 ? (double)x / width
                : y > 0 ? (double)y / height
                : body.Number("hr_scale") ?? 2;
            (native.Width, native.Height) = x > 0 && y > 0 ? (Whole8(x), Whole8(y)) : (Whole8(width * scale), Whole8(height * scale));
            if (x > 0 && y > 0 && Math.Abs(((double)x * height / ((double)y * width)) - 1) > 0.02)
            {
                Warn("hr_resize_x: the first picture has the shape of the second; it is not cropped.");
            }
        }

        native.HiresFix = new HiresFixBody
        {
            Scale = Math.Round(scale, 4),
            Strength = Strength(native.NumInferenceSteps),
            Steps = body.Int("hr_second_pass_steps") is > 0 and { } steps ? steps : null,
            Upscaler = HiresUpscaler(ModelOf(native)),
        };
        WarnOfHires(native);
    }

    private static int Whole8(double side) => (int)Math.Min(int.MaxValue, Math.Max(SideStep, Math.Floor(side / SideStep) * SideStep));

    /// <summary>What enlarges between the passes, by its native name; null: the model's own.</summary>
    private string? HiresUpscaler(ModelEntry? model)
    {
        string name = body.Text("hr_upscaler") ?? "Latent";
        string does = model?.Upscaler?.Name ?? Contracts.HiresFix.Lanczos;
        if (name.Equals(Contracts.HiresFix.Lanczos, StringComparison.OrdinalIgnoreCase))
        {
            return Contracts.HiresFix.Lanczos;
        }

        if (name.Equals(model?.Upscaler?.Name, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (name.Equals("Nearest", StringComparison.OrdinalIgnoreCase))
        {
            Warn("hr_upscaler: Nearest is not done here; lanczos enlarges.");
            return Contracts.HiresFix.Lanczos;
        }

        string wanted = FaceNames.Normal(name);
        if (
            name.StartsWith("Latent", StringComparison.OrdinalIgnoreCase)
            || name.Equals("None", StringComparison.OrdinalIgnoreCase)
            || table.Upscalers.Keys.Any(u => FaceNames.Normal(u) == wanted)
            || ModelChoice.Able(catalogue, JobKind.SuperResolution).Any(m => m.Name == name || m.Name == WeightFiles.Bare(name))
        )
        {
            Warn($"hr_upscaler: {ErrorText.Shown(name)} is not done here with this checkpoint; {does} enlarges.");
            return null;
        }

        body.Errors.Add("hr_upscaler", $"there is no upscaler '{ErrorText.Shown(name)}'; there are {does}, Lanczos");
        return null;
    }

    /// <summary>denoising_strength; with 0 the web UI runs the last of the steps, too.</summary>
    private double Strength(int? steps)
    {
        double strength = body.Number("denoising_strength") ?? table.Defaults.Strength;
        return strength >= 0 && steps > 0 ? Math.Max(strength, 1.0 / steps.Value) : strength;
    }

    /// <summary>Notes something that is not done.</summary>
    public void Warn(string warning)
    {
        if (_warnings.Count < MostWarnings)
        {
            _warnings.Add(warning);
        }
    }
}
