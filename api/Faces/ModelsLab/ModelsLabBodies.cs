using System.Globalization;
using System.Text;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Planning;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>The native body that a call's fields mean, and what is noted for its answers.</summary>
/// <param name="Body">The native body.</param>
/// <param name="Note">What the answers repeat.</param>
internal sealed record ModelsLabRequest(JobBody Body, ModelsLabNote Note);

/// <summary>Reads one call's fields into a native body. What is out of the service's limits is told in its words.</summary>
internal sealed partial class ModelsLabBodies(ModelsLabCall call, ModelsLabTable table, ModelsLabNames names, OwnPictures own)
{
    private static readonly CompositeFormat Between = CompositeFormat.Parse("must be between {0} and {1}");

    private readonly FaceBody _body = call.Body;
    private readonly ModelsLabFields _fields = call.Fields;

    /// <summary>The body for the call's operation; null if this face does not have it.</summary>
    /// <exception cref="ProblemException">A field is at fault.</exception>
    public async Task<ModelsLabRequest?> ReadAsync(CancellationToken cancellationToken)
    {
        JobBody? body = call.Dialect.Operation switch
        {
            "text2img" => Text2Img(),
            "img2img" or "depth2img" => await Img2ImgAsync(cancellationToken),
            "inpaint" => await InpaintAsync(cancellationToken),
            "outpaint" => await OutpaintAsync(cancellationToken),
            "pix2pix" => await EditAsync(cancellationToken),
            "controlnet" => await ControlNetAsync(cancellationToken),
            "super_resolution" => await SuperResolutionAsync(cancellationToken),
            "text2video" => Video(),
            "img2video" => await ImageToVideoAsync(cancellationToken),
            _ => null,
        };
        if (body is null)
        {
            return null;
        }

        body.WebhookUrl = _body.Text("webhook");
        _fields["webhook_url"] = "webhook";
        ModelsLabNote note = Note(body);
        body.Metadata = note.ToMetadata();
        call.ThrowIfAny();
        return new ModelsLabRequest(body, note);
    }

    private ModelsLabNote Note(JobBody body) =>
        new()
        {
            Base = call.Base,
            Version = call.Dialect.Version,
            Group = call.Dialect.Group,
            Operation = call.Dialect.Operation,
            TrackId = Shortened(_body.Text("track_id")),
            Base64 = _body.Flag("base64") == true,
            Webhook = body.WebhookUrl is not null,
            ModelId = Shortened(_body.Text("model_id")),
            Scheduler = Shortened(_body.Text("scheduler")),
            SafetyChecker = _body.Flag("safety_checker") == true,
            Upscale = Shortened(_body.Text("upscale")),
            MultiLingual = _body.Flag("multi_lingual") == true,
            Panorama = _body.Flag("panorama") == true,
            SelfAttention = _body.Flag("self_attention") == true,
            Embeddings = Shortened(_body.Text("embeddings_model", "embeddings")),
            Lora = Shortened(_body.Text("lora_model")),
            InitImage = Address("init_image", "image", "url", "control_image"),
            MaskImage = Address("mask_image"),
        };

    private Text2ImgBody Text2Img()
    {
        var body = new Text2ImgBody();
        Common(body, JobKind.Text2Img);
        body.Width ??= table.DefaultSide;
        body.Height ??= table.DefaultSide;
        Enlarge(body);
        return body;
    }

    private async Task<Img2ImgBody> Img2ImgAsync(CancellationToken cancellationToken)
    {
        var body = new Img2ImgBody { Image = await PictureAsync("image", cancellationToken, "init_image", "image") };
        ModelEntry? model = Common(body, JobKind.Img2Img);
        body.Strength = Strength(body, model);
        return body;
    }

    private async Task<InpaintBody> InpaintAsync(CancellationToken cancellationToken)
    {
        var body = new InpaintBody
        {
            Image = await PictureAsync("image", cancellationToken, "init_image", "image"),
            Mask = await PictureAsync("mask", cancellationToken, "mask_image", "mask"),
        };
        ModelEntry? model = Common(body, JobKind.Inpaint);
        body.Strength = Strength(body, model);
        return body;
    }

    private async Task<EditBody> EditAsync(CancellationToken cancellationToken)
    {
        var body = new EditBody
        {
            Image = await PictureAsync("image", cancellationToken, "init_image", "image"),
            ImageGuidanceScale = _body.Number("image_guidance_scale"),
        };
        Common(body, JobKind.Edit);
        return body;
    }

    private async Task<SuperResolutionBody> SuperResolutionAsync(CancellationToken cancellationToken)
    {
        _fields["image"] = call.Dialect.IsLegacy ? "url" : "init_image";
        var body = new SuperResolutionBody
        {
            Image = await PictureAsync("image", cancellationToken, "init_image", "url", "image"),
            Scale = _body.Int("scale") ?? 3,
        };
        Model(body, JobKind.SuperResolution);
        return body;
    }

    private ModelEntry? Common(PictureBody body, JobKind kind)
    {
        ModelEntry? model = Model(body, kind);
        body.Prompt = _body.Text("prompt");
        body.NegativePrompt = _body.Text("negative_prompt");
        if (body.Prompt is null && !_body.WrongTypes.Contains("prompt"))
        {
            _body.Errors.Add("prompt", "is required");
        }

        body.Width = Side("width");
        body.Height = Side("height");
        body.NumImages = Samples();
        body.NumInferenceSteps = Steps(model);
        body.GuidanceScale = Guidance();
        body.Seed = Seed();
        body.Scheduler = Scheduler(model);
        body.Loras = Loras();
        body.Vae = _body.Text("vae");
        // 1 leaves out none, as most programs count; unset is the model's own way
        body.ClipSkip = _body.Int("clip_skip") is { } skip ? Math.Max(0, skip - 1) : null;
        return model;
    }

    private ModelEntry? Model(JobBody body, JobKind kind)
    {
        string? name = _body.Text("model_id", "model");
        _fields["model"] = "model_id";
        _fields.Model = name;
        ModelEntry? model = names.Model(name, kind, body is VideoBody && call.Dialect.Operation == "img2video");
        // A name that is nowhere goes on, so that the native check says what there is
        body.Model = model?.Name ?? name;
        body.Safety = Safety(model);
        return model;
    }

    /// <summary>The safety checker's policy, where one is asked for and the model has one.</summary>
    private string? Safety(ModelEntry? model) =>
        model?.SafetyChecker is null || _body.Flag("safety_checker") != true ? null
        : _body.Text("safety_checker_type") is "blur" or "pixelate" ? "blur"
        : "black";

    /// <summary>"upscale" makes pictures two times as large as asked for, "highres_fix" draws them in two passes.</summary>
    private void Enlarge(PictureBody body)
    {
        double? factor = _body.Text("upscale") switch
        {
            null or "no" or "false" or "1" => null,
            "yes" or "true" => 2,
            string text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && value is > 1 and <= 4
                ? value
                : null,
        };
        if (factor is { } by)
        {
            body.Width = (int)(body.Width!.Value * by);
            body.Height = (int)(body.Height!.Value * by);
        }

        if (factor is not null || _body.Flag("highres_fix") == true)
        {
            body.HiresFix = new HiresFixBody { Scale = factor ?? 2 };
        }
    }

    private int? Side(string field)
    {
        int? value = _body.Int(field);
        if (value is { } side)
        {
            int least = call.Dialect.Operation == "controlnet" ? 64 : table.MinSide;
            if (side < least || side > table.MaxSide)
            {
                _body.Errors.Add(field, Range(least, table.MaxSide));
            }
            else if (side % table.MultipleOf != 0)
            {
                _body.Errors.Add(field, $"must be divisible by {table.MultipleOf}");
            }
        }

        return value;
    }

    private int? Samples()
    {
        _fields["num_images"] = "samples";
        int? samples = _body.Int("samples", "num_images");
        if (samples < 1 || samples > table.MaxSamples)
        {
            _body.Errors.Add("samples", Range(1, table.MaxSamples));
        }

        return samples;
    }

    /// <summary>The service makes at most so many steps, whatever is asked for; and so does the model.</summary>
    private int? Steps(ModelEntry? model)
    {
        _fields["num_inference_steps"] = _body.Has("steps") ? "steps" : "num_inference_steps";
        int? steps = _body.Int("num_inference_steps", "steps");
        int most =
            call.Dialect.IsLegacy || call.Dialect.IsEnterprise || call.Dialect.Group is "image_editing" or "video"
                ? table.LegacyMaxSteps
                : table.MaxSteps;
        if (steps < 1)
        {
            _body.Errors.Add(_fields["num_inference_steps"], Range(1, most));
        }

        return steps is { } given ? Math.Min(given, Math.Min(most, model?.MaxSteps ?? most)) : null;
    }

    private double? Guidance()
    {
        double? scale = _body.Number("guidance_scale");
        if (scale < table.MinGuidance || scale > table.MaxGuidance)
        {
            _body.Errors.Add("guidance_scale", Range(table.MinGuidance, table.MaxGuidance));
        }

        return scale;
    }

    private double? Strength(PictureBody body, ModelEntry? model)
    {
        double? strength = _body.Number("strength");
        if (strength is < 0 or > 1)
        {
            _body.Errors.Add("strength", Range(0, 1));
        }

        // The service takes 0; here one step at least is run
        return strength is { } given ? JobPlanner.LeastStrength(given, body.NumInferenceSteps ?? model?.DefaultSteps ?? 1) : null;
    }

    /// <summary>A negative seed draws one, as none does.</summary>
    private long? Seed() => _body.Integer("seed") is >= 0 and var seed ? seed : null;

    private string? Scheduler(ModelEntry? model)
    {
        string? name = _body.Text("scheduler");
        try
        {
            return names.Scheduler(name, _body.Flag("use_karras_sigmas") == true, model);
        }
        catch (UnknownNameException e)
        {
            _body.Errors.Add("scheduler", e.Message);
            return null;
        }
    }

    private LoraBody[]? Loras()
    {
        _fields["loras"] = "lora_model";
        IReadOnlyList<string> models = _body.Texts("lora_model");
        IReadOnlyList<string> strengths = _body.Texts("lora_strength");
        return models.Count == 0
            ? null
            :
            [
                .. models.Select(
                    (model, i) =>
                        new LoraBody
                        {
                            Model = model,
                            Scale = strengths.Count > 0 ? Scale(strengths[Math.Min(i, strengths.Count - 1)], "lora_strength") : null,
                        }
                ),
            ];
    }

    private double? Scale(string text, string field)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
        {
            return value;
        }

        _body.Errors.Add(field, $"must be numbers with commas between, and has '{ErrorText.Shown(text)}'");
        return null;
    }

    private async Task<PictureSource?> PictureAsync(string native, CancellationToken cancellationToken, params string[] fields)
    {
        string name = fields.FirstOrDefault(_body.Has) ?? _fields.GetValueOrDefault(native, fields[0]);
        _fields[native] = name;
        if (_body.Picture(fields) is not { } picture)
        {
            _body.Errors.Add(name, "is required");
            return null;
        }

        return await own.ResolveAsync(picture, call.Caller.AccountId, cancellationToken);
    }

    private string? Address(params ReadOnlySpan<string> fields) =>
        _body.Value(fields)?.Text is { Length: <= 1000 } text
        && (
            text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
        )
            ? text
            : null;

    private static string? Shortened(string? text) => text is { Length: > 500 } ? text[..500] : text;

    private static string Range<T>(T least, T most) => string.Format(CultureInfo.InvariantCulture, Between, least, most);
}
