using System.Globalization;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Shared;

/// <summary>Native bodies of an input that is read by its model's fields.</summary>
/// <param name="input">The input.</param>
/// <param name="model">The model.</param>
/// <param name="sizes">Words for sizes, as "1344x768", with x for the colon of an aspect.</param>
/// <param name="schedulerNames">Names of schedulers to native ones.</param>
/// <param name="safety">What is done with outputs that a checker flags.</param>
/// <param name="catalogue">The models that workers have registered.</param>
/// <param name="schedulers">The schedulers that workers have registered.</param>
internal sealed class MappedBodies(
    MappedInput input,
    MappedModel model,
    IReadOnlyDictionary<string, string> sizes,
    IReadOnlyDictionary<string, string> schedulerNames,
    string safety,
    IReadOnlyDictionary<string, ModelEntry> catalogue,
    IReadOnlyList<SchedulerEntry> schedulers
)
{
    /// <summary>The body that the input asks for.</summary>
    public JobBody Read() =>
        model.Task switch
        {
            MappedTask.Upscale => Upscale(),
            MappedTask.Video => Video(),
            _ => Pictures(),
        };

    private PictureBody Pictures()
    {
        PictureSource? image = input.Picture(InputMeaning.Image);
        PictureSource? mask = input.Picture(InputMeaning.Mask);
        if (image is null)
        {
            if (mask is not null)
            {
                input.Fail(input.NameOf(InputMeaning.Image)!, InputFault.Missing, "is required with a mask");
            }

            return Common(new Text2ImgBody(), JobKind.Text2Img, hasPicture: false);
        }

        if (mask is not null)
        {
            InpaintBody painted = Common(new InpaintBody { Image = image, Mask = mask }, JobKind.Inpaint, hasPicture: true);
            painted.Strength = input.Number(InputMeaning.Strength);
            return painted;
        }

        if (model.Task == MappedTask.Inpaint)
        {
            // What is transparent in the picture is painted anew
            return Common(
                new InpaintBody
                {
                    Image = image,
                    Mask = image,
                    MaskMode = "paint_transparent",
                },
                JobKind.Inpaint,
                hasPicture: true
            );
        }

        Img2ImgBody drawn = Common(new Img2ImgBody { Image = image }, JobKind.Img2Img, hasPicture: true);
        drawn.Strength = input.Number(InputMeaning.Strength);
        return drawn;
    }

    private T Common<T>(T native, JobKind kind, bool hasPicture)
        where T : PictureBody
    {
        ModelEntry? entry = Model(native, kind);
        native.Prompt = input.Text(InputMeaning.Prompt);
        native.NegativePrompt = input.Text(InputMeaning.NegativePrompt);
        (native.Width, native.Height) = Size(entry, hasPicture);
        native.NumImages = input.Int(InputMeaning.Count);
        native.NumInferenceSteps = Steps(entry);
        native.GuidanceScale = input.Number(InputMeaning.Guidance);
        native.Scheduler = Scheduler();
        native.Seed = Seed();
        native.OutputFormat = Format();
        native.OutputQuality = Quality();
        native.Refiner = Refiner();
        native.Loras = Loras();
        return native;
    }

    private SuperResolutionBody Upscale()
    {
        var native = new SuperResolutionBody { Image = input.Picture(InputMeaning.Image) };
        Model(native, JobKind.SuperResolution);
        if (input.Number(InputMeaning.Scale) is { } scale)
        {
            if (double.IsInteger(scale) && scale is >= 2 and <= 4)
            {
                native.Scale = (int)scale;
            }
            else
            {
                input.Fail(
                    input.NameOf(InputMeaning.Scale)!,
                    scale < 2 ? InputFault.TooSmall : InputFault.TooLarge,
                    string.Create(CultureInfo.InvariantCulture, $"can be 2, 3 or 4 here, and is {scale}")
                );
            }
        }

        native.Prompt = input.Text(InputMeaning.Prompt);
        native.NegativePrompt = input.Text(InputMeaning.NegativePrompt);
        native.Seed = Seed();
        native.OutputFormat = Format();
        native.OutputQuality = Quality();
        return native;
    }

    private VideoBody Video()
    {
        var native = new VideoBody { Image = input.Picture(InputMeaning.Image) };
        ModelEntry? entry = Model(native, JobKind.Video);
        native.Prompt = input.Text(InputMeaning.Prompt);
        native.NegativePrompt = input.Text(InputMeaning.NegativePrompt);
        (native.Width, native.Height) = Size(entry, native.Image is not null);
        native.NumFrames = Frames(entry);
        native.Fps = input.Number(InputMeaning.Fps);
        native.NumInferenceSteps = Steps(entry);
        native.GuidanceScale = input.Number(InputMeaning.Guidance);
        native.Seed = Seed();
        native.MotionBucketId = input.Int(InputMeaning.Motion);
        native.NoiseAugStrength = input.Number(InputMeaning.Noise);
        native.OutputFormat = Format();
        native.OutputQuality = Quality();
        return native;
    }

    /// <summary>Names the model, and says what is done with what its checker flags; null where the request will be refused.</summary>
    private ModelEntry? Model(JobBody native, JobKind kind)
    {
        native.Model = input.Text(InputMeaning.Model)
            ?? (model.Native.Length > 0 ? model.Native : ModelChoice.Default(ModelChoice.Able(catalogue, kind), null)?.Name);
        ModelEntry? entry = native.Model is { } name ? catalogue.GetValueOrDefault(name) : null;
        if (entry?.SafetyChecker is not null)
        {
            bool isOff = input.Flag(InputMeaning.Unsafe) == true || input.Flag(InputMeaning.Safe) == false;
            native.Safety = isOff ? "off" : safety;
        }

        return entry;
    }

    private (int? Width, int? Height) Size(ModelEntry? entry, bool hasPicture)
    {
        if (hasPicture && !input.IsGiven(InputMeaning.Width) && !input.IsGiven(InputMeaning.Height) && !input.IsGiven(InputMeaning.Size))
        {
            // The picture's own
            return (null, null);
        }

        if (input.Value(InputMeaning.Size) is { IsObject: true } given)
        {
            string name = input.NameOf(InputMeaning.Size)!;
            FaceBody nested = input.Body.Nested(name, given);
            input.Rename("width", name + ".width");
            input.Rename("height", name + ".height");
            return (nested.Int("width") ?? 512, nested.Int("height") ?? 512);
        }

        if (input.Word(InputMeaning.Size) is not { } word)
        {
            return (Side(InputMeaning.Width, entry), Side(InputMeaning.Height, entry));
        }

        string size = input.NameOf(InputMeaning.Size)!;
        input.Rename("width", size);
        input.Rename("height", size);
        if (
            hasPicture
            || !sizes.TryGetValue(word.Replace(':', 'x'), out string? pixels)
            || pixels.Split('x') is not [var wide, var high]
            || !int.TryParse(wide, CultureInfo.InvariantCulture, out int width)
            || !int.TryParse(high, CultureInfo.InvariantCulture, out int height)
        )
        {
            // A word as auto, match_input_image: the picture's or the model's own
            return (null, null);
        }

        double factor = Factor(height);
        return Fitting(entry, size, (int)(width * factor), (int)(height * factor));
    }

    /// <summary>By how much the size that a word names is changed by what other words say.</summary>
    private double Factor(int height) =>
        input.Text(InputMeaning.Megapixels) is { } text && double.TryParse(text, CultureInfo.InvariantCulture, out double megapixels)
            ? Math.Sqrt(Math.Clamp(megapixels, 0.01, 4))
        : input.Text(InputMeaning.Resolution) is { } rows && int.TryParse(rows.TrimEnd('p'), CultureInfo.InvariantCulture, out int lines)
            ? lines / (double)Math.Min(height, 480)
        : 1;

    /// <summary>A side that is asked for as a number; one that is the service's own is brought into the model's limits.</summary>
    private int? Side(string meaning, ModelEntry? entry)
    {
        int? side = input.Int(meaning);
        return side is { } usual && entry is not null && !input.IsGiven(meaning) ? ModelChoice.NearestSide(entry, usual) : side;
    }

    private (int Width, int Height) Fitting(ModelEntry? entry, string name, int width, int height)
    {
        if (
            entry is null
            || (
                Math.Min(width, height) >= entry.MinSide
                && Math.Max(width, height) <= entry.MaxSide
                && (long)width * height <= entry.MaxPixels
                && width % Math.Max(1, entry.MultipleOf) == 0
                && height % Math.Max(1, entry.MultipleOf) == 0
            )
        )
        {
            return (width, height);
        }

        (int near, int by) = ModelChoice.NearestSize(entry, width, height);
        input.Warn($"{name}: {entry.Name} does not make {width} x {height}; it is {near} x {by}.");
        return (near, by);
    }

    private int? Steps(ModelEntry? entry) => AtMost(InputMeaning.Steps, entry?.MaxSteps);

    private int? Frames(ModelEntry? entry)
    {
        if (input.Text(InputMeaning.FramesWord) is { } word)
        {
            return int.TryParse(word.Split('_')[0], CultureInfo.InvariantCulture, out int frames)
                ? Math.Min(frames, entry?.MaxFrames ?? frames)
                : null;
        }

        return AtMost(InputMeaning.Frames, entry?.MaxFrames);
    }

    /// <summary>A number; where the request leaves it out, no more of it than the model does.</summary>
    private int? AtMost(string meaning, int? most)
    {
        int? value = input.Int(meaning);
        return value is { } usual && most is { } limit && !input.IsGiven(meaning) ? Math.Min(usual, limit) : value;
    }

    /// <summary>A seed below 0 asks for any, as apps write it.</summary>
    private long? Seed() => input.Integer(InputMeaning.Seed) is { } seed and >= 0 ? seed : null;

    private string? Format() => input.Text(InputMeaning.Format) is { } format ? (format == "jpeg" ? "jpg" : format) : null;

    /// <summary>The quality; services take 0, too, of which the least here is 1.</summary>
    private int? Quality() => input.Int(InputMeaning.Quality) is { } quality ? Math.Max(1, quality) : null;

    private string? Scheduler()
    {
        try
        {
            return FaceNames.Scheduler(input.Text(InputMeaning.Scheduler), schedulerNames, schedulers);
        }
        catch (UnknownNameException e)
        {
            input.Fail(input.NameOf(InputMeaning.Scheduler)!, InputFault.NoChoice, e.Message);
            return null;
        }
    }

    private RefinerBody? Refiner()
    {
        switch (input.Text(InputMeaning.Refine))
        {
            case "expert_ensemble_refiner":
                return new RefinerBody { SwitchAt = input.Number(InputMeaning.RefineAt) };
            case null or "no_refiner":
                return null;
            case var other:
                input.Warn($"{input.NameOf(InputMeaning.Refine)}: {other} is not done here; nothing is refined.");
                return null;
        }
    }

    private LoraBody[]? Loras()
    {
        var loras = new List<LoraBody>();
        Add(InputMeaning.Lora, InputMeaning.LoraScale);
        Add(InputMeaning.SecondLora, InputMeaning.SecondLoraScale);
        if (input.Value(InputMeaning.Loras) is { } list && input.NameOf(InputMeaning.Loras) is { } name)
        {
            int place = 0;
            foreach (FaceValue item in list.Items().Take(RequestChecks.MaxLoras + 1))
            {
                string field = string.Create(CultureInfo.InvariantCulture, $"{name}[{place++}]");
                if (!item.IsObject)
                {
                    input.Body.Mistyped(field, "an object with path and scale", item);
                    continue;
                }

                FaceBody nested = input.Body.Nested(field, item);
                Use(nested.Text("path"), nested.Number("scale"), field + ".path", field + ".scale");
            }
        }

        return loras.Count > 0 ? [.. loras] : null;

        void Add(string meaning, string scale)
        {
            if (input.Text(meaning) is { } path)
            {
                Use(path, input.Number(scale), input.NameOf(meaning)!, input.NameOf(scale) ?? "");
            }
        }

        void Use(string? path, double? scale, string pathField, string scaleField)
        {
            input.Rename($"loras[{loras.Count}].model", pathField);
            input.Rename($"loras[{loras.Count}].scale", scaleField);
            loras.Add(new LoraBody { Model = path is null ? null : LoraName(path), Scale = scale });
        }
    }

    /// <summary>A LoRA's name of an address or path that leads to it: its last part without an extension.</summary>
    private static string LoraName(string path)
    {
        string bare = path.Split('?', '#')[0].TrimEnd('/');
        bare = bare[(bare.LastIndexOf('/') + 1)..];
        return bare.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? bare[..^".safetensors".Length] : bare;
    }
}
