using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Dezgo;

/// <summary>Requests of this face as native bodies.</summary>
internal sealed class DezgoBodies(
    DezgoTable table,
    string functionName,
    FaceBody body,
    IReadOnlyDictionary<string, ModelEntry> catalogue,
    IReadOnlyList<SchedulerEntry> schedulers
)
{
    private readonly DezgoFunction _function = table.Functions.GetValueOrDefault(functionName) ?? new DezgoFunction();

    public bool IsPriced => _function.Priced;

    public Text2ImgBody Text2Image() => Picture(new Text2ImgBody(), JobKind.Text2Img);

    public Img2ImgBody Image2Image()
    {
        Img2ImgBody native = Picture(
            new Img2ImgBody { Image = Needed("init_image"), Strength = body.Number("strength") ?? _function.Strength },
            JobKind.Img2Img
        );
        // 0 keeps the picture there; here at least a step is run
        native.Strength = native.Strength is 0 ? null : native.Strength;
        return native;
    }

    public InpaintBody Inpainting() =>
        Picture(
            new InpaintBody
            {
                Image = Needed("init_image"),
                Mask = Needed("mask_image"),
                MaskMode = table.MaskMode,
                Strength = body.Number("strength"),
            },
            JobKind.Inpaint
        );

    public InpaintBody TextInpainting()
    {
        InpaintBody native = Picture(
            new InpaintBody
            {
                Image = Needed("init_image"),
                MaskPrompt = body.Text("mask_prompt"),
                Strength = body.Number("strength"),
            },
            JobKind.Inpaint
        );
        Require("mask_prompt");
        return native;
    }

    public EditBody EditImage() =>
        Picture(new EditBody { Image = Needed("init_image"), ImageGuidanceScale = body.Number("image_guidance") }, JobKind.Edit);

    public ControlNetBody ControlNet()
    {
        string? type = body.Text("control_model");
        DezgoControl? control = type is null ? null : table.Controls.GetValueOrDefault(type) ?? new DezgoControl { Type = type };
        string? preprocessor = null;
        if (body.Flag("control_preprocess") ?? (control?.Preprocessor is not null))
        {
            preprocessor = control?.Preprocessor;
            if (preprocessor is null)
            {
                body.Errors.Add(
                    "control_preprocess",
                    $"cannot be done here for '{ErrorText.Shown(type ?? "")}': "
                        + "send the control picture itself, and control_preprocess=false"
                );
            }
        }

        return Picture(
            new ControlNetBody
            {
                Control =
                [
                    new ControlBody
                    {
                        Image = Needed("init_image"),
                        Type = control?.Type,
                        Preprocessor = preprocessor,
                        Scale = body.Number("control_scale"),
                    },
                ],
            },
            JobKind.ControlNet
        );
    }

    public SuperResolutionBody Upscale() =>
        new()
        {
            Image = Needed("image", "init_image"),
            Scale = 2,
            Model = body.Has("model") ? Model(JobKind.SuperResolution) : Upscaler(table),
            OutputFormat = Format(),
        };

    /// <summary>The catalogue's name of the model that enlarges; null: its default.</summary>
    public static string? Upscaler(DezgoTable table) =>
        table.Functions.GetValueOrDefault("upscale")?.Model is { Length: > 0 } name ? name : null;

    /// <summary>The second part of upscale=2.</summary>
    public SuperResolutionBody UpscaleOf(byte[] picture) =>
        new()
        {
            Image = PictureSource.Of(picture),
            Scale = 2,
            Model = Upscaler(table),
            OutputFormat = Format(),
        };

    public VideoBody Text2Video() =>
        new()
        {
            Prompt = Prompt(),
            NegativePrompt = body.Text("negative_prompt"),
            Model = Model(JobKind.Video),
            Width = body.Int("width"),
            Height = body.Int("height"),
            NumFrames = body.Int("num_frames", "frames"),
            Fps = body.Number("fps"),
            NumInferenceSteps = Steps(),
            GuidanceScale = body.Number("guidance") ?? _function.Guidance,
            Scheduler = Sampler(),
            Seed = Seed(),
            OutputFormat = body.Text("format"),
        };

    /// <summary>Whether the generated picture is to be enlarged twice.</summary>
    public bool IsUpscaled()
    {
        int upscale = body.Int("upscale") ?? 1;
        if (upscale is not (1 or 2))
        {
            body.Errors.Add("upscale", $"must be 1 or 2, and is {upscale}");
        }

        return upscale == 2;
    }

    private T Picture<T>(T native, JobKind kind)
        where T : PictureBody
    {
        native.Model = Model(kind);
        native.Prompt = Prompt();
        native.NegativePrompt = body.Text("negative_prompt");
        native.Width = Side("width");
        native.Height = Side("height");
        native.NumInferenceSteps = Steps();
        native.GuidanceScale = body.Number("guidance") ?? _function.Guidance;
        native.Scheduler = Sampler();
        native.Seed = Seed();
        native.OutputFormat = Format();
        native.Loras = Loras();
        if (body.Flag("refiner") == true)
        {
            native.Refiner = new RefinerBody();
        }

        if (body.Flag("transparent_background") == true)
        {
            body.Errors.Add("transparent_background", "cannot be done here: no model makes transparent pictures");
        }

        return native;
    }

    private string? Prompt()
    {
        Require("prompt");
        return body.Text("prompt");
    }

    private void Require(string field)
    {
        if (string.IsNullOrWhiteSpace(body.Text(field)) && !body.Errors.Has(field))
        {
            body.Errors.Add(field, "is required");
        }
    }

    private PictureSource? Needed(params string[] names)
    {
        PictureSource? picture = body.Picture(names);
        if (picture is null && !names.Any(body.Errors.Has))
        {
            body.Errors.Add(names[0], "is required: a file, or base64");
        }

        return picture;
    }

    private string? Model(JobKind kind)
    {
        string? fallback = _function.Model.Length > 0 ? _function.Model : table.DefaultModel;
        try
        {
            string? name = FaceNames.Model(body.Text("model"), table.Models, fallback, catalogue);
            // The default model draws; another enlarges
            return name == table.DefaultModel && name is not null && catalogue.GetValueOrDefault(name)?.Kinds.Contains(kind) != true
                ? null
                : name;
        }
        catch (UnknownNameException e)
        {
            body.Errors.Add("model", e.Message);
            return null;
        }
    }

    private int? Side(string field)
    {
        if (body.Int(field) is not { } side)
        {
            return null;
        }

        if (side < _function.MinSide || side > _function.MaxSide || side % _function.Multiple != 0)
        {
            body.Errors.Add(
                field,
                $"must be {_function.MinSide} to "
                    + $"{_function.MaxSide}{(_function.Multiple > 1 ? $" in steps of {_function.Multiple}" : "")}, and is {side}"
            );
        }

        return side;
    }

    private int? Steps()
    {
        int? steps = body.Int("steps") ?? _function.Steps;
        if (steps < 1 || steps > _function.MaxSteps)
        {
            body.Errors.Add("steps", $"must be 1 to {_function.MaxSteps}, and is {steps}");
        }

        return steps;
    }

    private string? Sampler()
    {
        string? name = body.Text("sampler");
        try
        {
            return name is not null ? FaceNames.Scheduler(name, table.Samplers, schedulers)
                // The service's default, where a worker has it
                : _function.Sampler is { } own && schedulers.Any(s => s.Name == table.Samplers.GetValueOrDefault(own, own))
                    ? table.Samplers.GetValueOrDefault(own, own)
                : null;
        }
        catch (UnknownNameException e)
        {
            body.Errors.Add("sampler", e.Message);
            return null;
        }
    }

    private long? Seed()
    {
        long? seed = body.Integer("seed");
        if (seed is < 0 or > uint.MaxValue)
        {
            body.Errors.Add("seed", $"must be 0 to {uint.MaxValue}, and is {seed}");
        }

        return seed;
    }

    private string? Format()
    {
        string? format = body.Text("format")?.ToLowerInvariant();
        if (format is not (null or "png" or "jpg" or "jpeg" or "webp"))
        {
            body.Errors.Add("format", $"must be one of png, jpg, webp, and is '{ErrorText.Shown(format)}'");
            return null;
        }

        return format == "jpeg" ? "jpg" : format;
    }

    private LoraBody[]? Loras()
    {
        const double ServiceStrength = 0.7;
        LoraBody[] loras =
        [
            .. new[] { "lora1", "lora2" }
                .Select(field => (Name: body.Text(field), Strength: body.Number(field + "_strength")))
                .Where(l => l.Name is not null)
                .Select(l => new LoraBody
                {
                    Model = table.Loras.GetValueOrDefault(l.Name!, l.Name!),
                    Scale = l.Strength ?? ServiceStrength,
                }),
        ];
        return loras.Length > 0 ? loras : null;
    }
}
