using Generation.Contracts;

namespace Generation.Api;

/// <summary>The kinds that make pictures from words, with or without a picture to begin with.</summary>
internal sealed partial class RequestChecks
{
    private const int MaxControls = 4;
    private const int DefaultOverlap = 16;

    private static readonly string[] Preprocessors = ["none", "canny", "invert", "blur", "tile"];
    private static readonly string[] ResizeModes = ["crop", "fit", "stretch"];

    private CheckedRequest? Check(Text2ImgBody body) =>
        Common(body, JobKind.Text2Img) is ({ } common, { } model) ? Planned(common, model) : null;

    private CheckedRequest? Check(Img2ImgBody body)
    {
        StoredPicture? image = Picture("image", body.Image);
        if (Common(body, JobKind.Img2Img, image) is not ({ } common, { } model))
        {
            return null;
        }

        double strength = Strength(body.Strength, 0.75);
        return image is null ? null : Planned(new Img2ImgRequest(common, image) { Strength = strength }, model);
    }

    private CheckedRequest? Check(InpaintBody body)
    {
        StoredPicture? image = Picture("image", body.Image);
        StoredPicture? mask = pictures.GetValueOrDefault("mask");
        if (Common(body, JobKind.Inpaint, image) is not ({ } common, { } model))
        {
            return null;
        }

        if (body.Mask is null && body.MaskPrompt is null)
        {
            errors.Add("mask", model.MaskFinder is null ? "is required" : "or mask_prompt is required");
        }
        else if (body.MaskPrompt is not null)
        {
            if (body.Mask is not null)
            {
                errors.Add("mask_prompt", "and mask exclude each other");
            }

            if (model.MaskFinder is null)
            {
                errors.Add("mask_prompt", $"{model.Name} has no network that finds masks from words; send a mask");
            }

            if (string.IsNullOrWhiteSpace(body.MaskPrompt))
            {
                errors.Add("mask_prompt", "must not be empty");
            }
        }

        if (
            image is not null
            && mask is not null
            && Math.Abs(((double)mask.Width * image.Height / ((double)mask.Height * image.Width)) - 1) > 0.02
        )
        {
            errors.Add("mask", $"must have the aspect of the image, {image.Width} x {image.Height}, and is {mask.Width} x {mask.Height}");
        }

        var request = new InpaintRequest(common, image!)
        {
            Mask = mask,
            MaskMode = Choice("mask_mode", body.MaskMode, MaskMode.PaintWhite),
            MaskPrompt = body.MaskPrompt is null ? null : Text("mask_prompt", body.MaskPrompt, 200),
            Padding = body.Padding is { } padding ? Range("padding", padding, 0, 1024) : null,
            MaskBlur = Range("mask_blur", body.MaskBlur ?? 0, 0, 64),
            MaskGrow = Range("mask_grow", body.MaskGrow ?? 0, -256, 256),
            Strength = Strength(body.Strength, 1),
        };
        return image is null ? null : Planned(request, model);
    }

    private CheckedRequest? Check(OutpaintBody body)
    {
        StoredPicture? image = Picture("image", body.Image);
        int[] sides = [body.Left ?? 0, body.Right ?? 0, body.Top ?? 0, body.Bottom ?? 0];
        foreach ((string field, int side) in new[] { "left", "right", "top", "bottom" }.Zip(sides))
        {
            Range(field, side, 0, 8192);
        }

        if (sides.All(side => side == 0))
        {
            errors.Add("left", "and right, top and bottom are all 0 or absent; at least one side must grow");
        }

        foreach ((string field, int? value) in new[] { ("width", body.Width), ("height", body.Height) })
        {
            if (value is not null)
            {
                errors.Add(field, "is the picture's and what left, right, top and bottom add to it; leave it out");
            }
        }

        if (
            Common(body, JobKind.Outpaint, image, (image?.Width + sides[0] + sides[1], image?.Height + sides[2] + sides[3]))
                is not
                ({ } common, { } model)
            || image is null
        )
        {
            return null;
        }

        int most = Math.Max(0, (Math.Min(image.Width, image.Height) / 2) - 1);
        var request = new OutpaintRequest(common, image)
        {
            Left = sides[0],
            Right = sides[1],
            Top = sides[2],
            Bottom = sides[3],
            Overlap = Range(
                "overlap",
                body.Overlap ?? Math.Min(DefaultOverlap, Math.Min(image.Width, image.Height) / 4),
                0,
                most,
                " with a picture of this size"
            ),
        };
        return Planned(request, model);
    }

    private CheckedRequest? Check(EditBody body)
    {
        StoredPicture? image = Picture("image", body.Image);
        if (Common(body, JobKind.Edit, image) is not ({ } common, { } model))
        {
            return null;
        }

        double scale = Range("image_guidance_scale", body.ImageGuidanceScale ?? 1.5, 1, 20);
        return image is null ? null : Planned(new EditRequest(common, image) { ImageGuidanceScale = scale }, model);
    }

    private CheckedRequest? Check(ControlNetBody body)
    {
        ControlBody[] controls = body.Control ?? [];
        if (body.Control is null && !errors.Has("control"))
        {
            errors.Add("control", "is required");
        }
        else if (body.Control is not null && controls.Length is < 1 or > MaxControls)
        {
            errors.Add("control", $"must have 1 to {MaxControls} control pictures, and has {controls.Length}");
        }

        StoredPicture?[] images = [.. controls.Select((control, i) => Picture($"control[{i}].image", control.Image))];
        if (Common(body, JobKind.ControlNet, images.FirstOrDefault()) is not ({ } common, { } model))
        {
            return null;
        }

        string[] types = [.. model.ControlNets.Select(net => net.Type).Distinct()];
        var uses = new List<ControlUse>();
        for (int i = 0; i < controls.Length; i++)
        {
            ControlBody control = controls[i];
            string field = $"control[{i}]";
            double start = Range($"{field}.start", control.Start ?? 0, 0, 1);
            double end = Range($"{field}.end", control.End ?? 1, 0, 1);
            if (start >= end && !errors.Has($"{field}.start"))
            {
                errors.Add($"{field}.start", $"must be below end, which is {end}, and is {start}");
            }

            if (control.Type is null && types.Length > 1)
            {
                errors.Add($"{field}.type", $"is required; {model.Name} has {string.Join(", ", types)}");
            }

            uses.Add(
                new ControlUse
                {
                    Image = images[i]!,
                    Type = control.Type is null ? types.FirstOrDefault("") : Choice($"{field}.type", control.Type, types),
                    Preprocessor = Choice($"{field}.preprocessor", control.Preprocessor ?? Preprocessors[0], Preprocessors),
                    ResizeMode = Choice($"{field}.resize_mode", control.ResizeMode ?? ResizeModes[0], ResizeModes),
                    Scale = Range($"{field}.scale", control.Scale ?? 1, 0, 4),
                    Start = start,
                    End = end,
                }
            );
        }

        return images.Contains(null) ? null : Planned(new ControlNetRequest(common, uses) { GuessMode = body.GuessMode ?? false }, model);
    }

    /// <summary>What all picture kinds share, as a request of words alone; null where the model is an error.</summary>
    private (Text2ImgRequest? Common, ModelEntry? Model) Common(
        PictureBody body,
        JobKind kind,
        StoredPicture? picture = null,
        (int? Width, int? Height)? whole = null
    )
    {
        string prompt = Prompt(body.Prompt);
        string negative = Text("negative_prompt", body.NegativePrompt ?? "", MaxPromptLength);
        if (Model(body.Model, kind) is not { } model)
        {
            return (null, null);
        }

        (int width, int height) =
            whole is ({ } w, { } h) ? Size(model, w, h, "left", "top")
            : whole is not null ? (model.DefaultWidth, model.DefaultHeight)
            : Size(model, body.Width, body.Height, picture);
        int steps = Range("num_inference_steps", body.NumInferenceSteps ?? model.DefaultSteps, 1, model.MaxSteps);
        return (
            new Text2ImgRequest
            {
                Model = model.Name,
                Prompt = prompt,
                NegativePrompt = negative,
                Width = width,
                Height = height,
                NumInferenceSteps = steps,
                GuidanceScale = Range("guidance_scale", body.GuidanceScale ?? model.DefaultGuidanceScale, 0, 50),
                GuidanceRescale = Range("guidance_rescale", body.GuidanceRescale ?? model.DefaultGuidanceRescale, 0, 1),
                Scheduler = Scheduler(model, body.Scheduler),
                Seed = Seed(body.Seed),
                NumImages = Range("num_images", body.NumImages ?? 1, 1, model.MaxImages),
                OutputFormat = Choice("output_format", body.OutputFormat ?? Formats[0], Formats),
                OutputQuality = Range("output_quality", body.OutputQuality ?? 90, 1, 100),
                Safety = Safety(model, body.Safety),
                Loras = Loras(model, body.Loras),
                ClipSkip = body.ClipSkip is { } skip ? Range("clip_skip", skip, 0, 4) : null,
                Vae = body.Vae is null ? null : Part("vae", model, body.Vae, [.. model.Vaes.Select(v => v.Name)]),
                Refiner = Refiner(model, body.Refiner),
                HiresFix = HiresFix(model, kind, body, steps),
            },
            model
        );
    }

    private StoredPicture? Picture(string field, PictureSource? source)
    {
        StoredPicture? picture = pictures.GetValueOrDefault(field);
        if (source is null && !errors.Has(field))
        {
            errors.Add(field, "is required");
        }

        return picture;
    }
}
