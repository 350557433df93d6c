using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>Outpainting, control pictures and clips.</summary>
internal sealed partial class ModelsLabBodies
{
    private const int MaxSide = 1440;
    private const int MaxOverlap = 42;
    private const int MaxFrames = 25;
    private const int MaxVideoFps = 16;
    private const int MaxVideoSide = 512;
    private const int MaxVideoSteps = 50;

    private async Task<OutpaintBody> OutpaintAsync(CancellationToken cancellationToken)
    {
        var body = new OutpaintBody { Image = await PictureAsync("image", cancellationToken, "image", "init_image") };
        Model(body, JobKind.Outpaint);
        body.Prompt = _body.Text("prompt") ?? "high quality";
        body.NegativePrompt = _body.Text("negative_prompt") ?? "low quality";
        body.NumInferenceSteps = _body.Int("num_inference_steps", "steps");
        body.GuidanceScale = Guidance();
        body.Seed = Seed();
        body.Scheduler = Scheduler(null);
        int? overlap = _body.Int("overlap_width");
        if (overlap is < 0 or > MaxOverlap)
        {
            _body.Errors.Add("overlap_width", Range(0, MaxOverlap));
        }

        body.Overlap = overlap;
        _fields["overlap"] = "overlap_width";
        if (_body.Has("walk_type") || _body.Has("width_translation_per_step"))
        {
            Walk(body);
        }
        else if (
            body.Image is { } source
            && await own.KeepAsync(source, "image", call.Caller.AccountId, _body.Errors, call.Share, cancellationToken)
                is var (kept, picture)
        )
        {
            body.Image = kept;
            Around(body, picture.Width, picture.Height);
        }

        return body;
    }

    /// <summary>The picture in the middle of a canvas of the asked size.</summary>
    private void Around(OutpaintBody body, int width, int height)
    {
        int canvasWidth = Canvas("width", 1280);
        int canvasHeight = Canvas("height", 720);
        int x = Math.Max(0, canvasWidth - width);
        int y = Math.Max(0, canvasHeight - height);
        (body.Left, body.Right) = (x / 2, x - (x / 2));
        (body.Top, body.Bottom) = (y / 2, y - (y / 2));
        if (x == 0 && y == 0)
        {
            _body.Errors.Add("width", $"and height must be more than the picture's {width} x {height}, at least one of them");
        }
    }

    private int Canvas(string field, int otherwise)
    {
        int value = _body.Int(field) ?? otherwise;
        if (value is < 64 or > MaxSide)
        {
            _body.Errors.Add(field, Range(64, MaxSide));
        }

        return value;
    }

    /// <summary>The old form: how far the view moves, and where to.</summary>
    private void Walk(OutpaintBody body)
    {
        int x = _body.Int("width_translation_per_step") ?? 32;
        int y = _body.Int("height_translation_per_step") ?? 32;
        IReadOnlyList<string> walk = _body.Texts("walk_type");
        foreach (string step in walk.Count > 0 ? walk : ["back"])
        {
            switch (step.Trim().ToLowerInvariant())
            {
                case "right":
                    body.Right = (body.Right ?? 0) + x;
                    break;
                case "left":
                    body.Left = (body.Left ?? 0) + x;
                    break;
                case "up" or "top":
                    body.Top = (body.Top ?? 0) + y;
                    break;
                case "down" or "bottom":
                    body.Bottom = (body.Bottom ?? 0) + y;
                    break;
                default:
                    body.Left = (body.Left ?? 0) + x;
                    body.Right = (body.Right ?? 0) + x;
                    body.Top = (body.Top ?? 0) + y;
                    body.Bottom = (body.Bottom ?? 0) + y;
                    break;
            }
        }
    }

    private async Task<ControlNetBody> ControlNetAsync(CancellationToken cancellationToken)
    {
        var body = new ControlNetBody { GuessMode = _body.Flag("guess_mode") };
        PictureSource? picture = await PictureAsync("image", cancellationToken, "control_image", "init_image", "image");
        Common(body, JobKind.ControlNet);
        IReadOnlyList<string> types = _body.Texts("controlnet_type", "controlnet_model");
        IReadOnlyList<string> scales = _body.Texts("controlnet_conditioning_scale");
        bool hint = _body.Flag("auto_hint") ?? true;
        _fields["type"] = _body.Has("controlnet_type") ? "controlnet_type" : "controlnet_model";
        _fields["scale"] = "controlnet_conditioning_scale";
        body.Control =
        [
            .. (types.Count > 0 ? types.Cast<string?>() : [null]).Select(
                (type, i) =>
                    new ControlBody
                    {
                        Image = picture,
                        Type = type is null ? null : table.Controls.GetValueOrDefault(type, type),
                        Preprocessor = hint && ControlNetKind.Preprocessors.Contains(type) ? type : null,
                        ResizeMode = "stretch",
                        Scale = scales.Count > 0 ? Scale(scales[Math.Min(i, scales.Count - 1)], "controlnet_conditioning_scale") : null,
                    }
            ),
        ];
        return body;
    }

    private VideoBody Video()
    {
        var body = new VideoBody();
        ModelEntry? model = Clip(body);
        body.Prompt = _body.Text("prompt");
        if (body.Prompt is null && !_body.WrongTypes.Contains("prompt"))
        {
            _body.Errors.Add("prompt", "is required");
        }

        body.GuidanceScale = _body.Number("guidance_scale");
        if (body.GuidanceScale is < 0 or > 8)
        {
            _body.Errors.Add("guidance_scale", Range(0, 8));
        }

        body.Scheduler = Scheduler(model);
        return body;
    }

    private async Task<VideoBody> ImageToVideoAsync(CancellationToken cancellationToken)
    {
        var body = new VideoBody { Image = await PictureAsync("image", cancellationToken, "init_image", "image") };
        _ = Clip(body);
        body.Prompt = _body.Text("prompt");
        body.GuidanceScale = _body.Number("max_guidance_scale", "guidance_scale");
        if (body.GuidanceScale is < 1 or > 8)
        {
            _body.Errors.Add("max_guidance_scale", Range(1, 8));
        }

        body.MotionBucketId = _body.Int("motion_bucket_id");
        body.NoiseAugStrength = _body.Number("noise_aug_strength");
        return body;
    }

    private ModelEntry? Clip(VideoBody body)
    {
        ModelEntry? model = Model(body, JobKind.Video);
        body.NegativePrompt = _body.Text("negative_prompt");
        body.Width = VideoSide("width");
        body.Height = VideoSide("height");
        body.Seed = Seed();
        int? fps = _body.Int("fps");
        if (fps is < 1 or > MaxVideoFps)
        {
            _body.Errors.Add("fps", Range(1, MaxVideoFps));
        }

        body.Fps = fps;
        body.NumFrames = Frames(fps ?? model?.DefaultFps ?? 8, model);
        int? steps = _body.Int("num_inference_steps");
        if (steps is < 1 or > MaxVideoSteps)
        {
            _body.Errors.Add("num_inference_steps", Range(1, MaxVideoSteps));
        }

        body.NumInferenceSteps = steps is { } given && model is not null ? Math.Min(given, Math.Max(1, model.MaxSteps)) : steps;
        // The service's own default; the old calls gave mp4
        body.OutputFormat = _body.Text("output_type")?.ToLowerInvariant() ?? (call.Dialect.IsLegacy ? "mp4" : "gif");
        _fields["output_format"] = "output_type";
        return model;
    }

    /// <summary>Frames as given, or of so many seconds; no more than the model makes.</summary>
    private int? Frames(double fps, ModelEntry? model)
    {
        int? frames = _body.Int("num_frames")
            ?? (_body.Number("seconds") is { } seconds ? (int)Math.Clamp(Math.Round(seconds * fps), 1, MaxFrames) : null);
        if (frames is < 1 or > MaxFrames)
        {
            _body.Errors.Add("num_frames", Range(1, MaxFrames));
        }

        return frames is { } given && model is not null ? Math.Min(given, model.MaxFrames) : frames;
    }

    private int? VideoSide(string field)
    {
        int? side = _body.Int(field);
        if (side is < 64 or > MaxVideoSide)
        {
            _body.Errors.Add(field, Range(64, MaxVideoSide));
        }

        return side;
    }
}
