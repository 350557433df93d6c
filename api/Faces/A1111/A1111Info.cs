using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Contracts;

namespace Generation.Api.Faces.A1111;

/// <summary>A picture of an answer.</summary>
/// <param name="Job">The job that made it.</param>
/// <param name="Output">The output; null where the job was stopped before.</param>
/// <param name="Unfinished">The last preview of a job that was stopped.</param>
internal sealed record A1111Picture(JobDocument Job, JobOutputLink? Output, byte[]? Unfinished)
{
    public long Seed => Output?.Seed ?? (Job.Request as PictureRequest)?.Seed ?? -1;
}

/// <summary>The "info" and the "parameters" of an answer: what was made of a request, and what it was.</summary>
internal static class A1111Info
{
    /// <summary>The fields that an echo has, with what they are where a request leaves them out.</summary>
    private static readonly (string Name, JsonValue? Usual)[] Common =
    [
        ("prompt", JsonValue.Create("")),
        ("negative_prompt", JsonValue.Create("")),
        ("seed", JsonValue.Create(-1)),
        ("subseed", JsonValue.Create(-1)),
        ("subseed_strength", JsonValue.Create(0)),
        ("seed_resize_from_h", JsonValue.Create(-1)),
        ("seed_resize_from_w", JsonValue.Create(-1)),
        ("sampler_name", null),
        ("scheduler", null),
        ("batch_size", JsonValue.Create(1)),
        ("n_iter", JsonValue.Create(1)),
        ("steps", null),
        ("cfg_scale", null),
        ("width", null),
        ("height", null),
        ("restore_faces", null),
        ("tiling", null),
        ("do_not_save_samples", JsonValue.Create(false)),
        ("do_not_save_grid", JsonValue.Create(false)),
        ("eta", null),
        ("denoising_strength", null),
        ("s_min_uncond", null),
        ("s_churn", null),
        ("s_tmax", null),
        ("s_tmin", null),
        ("s_noise", null),
        ("override_settings_restore_afterwards", JsonValue.Create(true)),
        ("refiner_checkpoint", null),
        ("refiner_switch_at", null),
        ("force_task_id", null),
        ("infotext", null),
        ("sampler_index", null),
        ("script_name", null),
        ("send_images", JsonValue.Create(true)),
        ("save_images", JsonValue.Create(false)),
    ];

    private static readonly (string Name, JsonValue? Usual)[] OfText2Img =
    [
        ("enable_hr", JsonValue.Create(false)),
        ("firstphase_width", JsonValue.Create(0)),
        ("firstphase_height", JsonValue.Create(0)),
        ("hr_scale", JsonValue.Create(2)),
        ("hr_upscaler", null),
        ("hr_second_pass_steps", JsonValue.Create(0)),
        ("hr_resize_x", JsonValue.Create(0)),
        ("hr_resize_y", JsonValue.Create(0)),
        ("hr_checkpoint_name", null),
        ("hr_sampler_name", null),
        ("hr_scheduler", null),
        ("hr_prompt", JsonValue.Create("")),
        ("hr_negative_prompt", JsonValue.Create("")),
    ];

    private static readonly (string Name, JsonValue? Usual)[] OfImg2Img =
    [
        ("resize_mode", JsonValue.Create(0)),
        ("image_cfg_scale", null),
        ("mask_blur_x", JsonValue.Create(4)),
        ("mask_blur_y", JsonValue.Create(4)),
        ("mask_blur", null),
        ("mask_round", JsonValue.Create(true)),
        ("inpainting_fill", JsonValue.Create(0)),
        ("inpaint_full_res", JsonValue.Create(true)),
        ("inpaint_full_res_padding", JsonValue.Create(0)),
        ("inpainting_mask_invert", JsonValue.Create(0)),
        ("initial_noise_multiplier", null),
        ("include_init_images", JsonValue.Create(false)),
    ];

    /// <summary>The request as it came, its pictures left out, with what it left out.</summary>
    /// <param name="body">The request.</param>
    /// <param name="overrides">The options of the request that are any here.</param>
    /// <param name="table">The face's table.</param>
    /// <param name="isImg2Img">Whether it is img2img, or else txt2img.</param>
    public static JsonObject Parameters(FaceBody body, IReadOnlyDictionary<string, string> overrides, A1111Table table, bool isImg2Img)
    {
        var echo = new JsonObject();
        foreach ((string name, JsonValue? usual) in (IEnumerable<(string, JsonValue?)>)[.. Common, .. isImg2Img ? OfImg2Img : OfText2Img])
        {
            echo[name] = body.Value(name) is { } value ? ValueOf(value) : usual?.DeepClone();
        }

        echo["steps"] ??= table.Defaults.Steps;
        echo["cfg_scale"] ??= table.Defaults.CfgScale;
        echo["width"] ??= table.Defaults.Width;
        echo["height"] ??= table.Defaults.Height;
        echo["sampler_index"] ??= table.Defaults.Sampler;
        echo["styles"] = new JsonArray([.. body.Texts("styles").Select(s => (JsonNode)JsonValue.Create(s)!)]);
        echo["override_settings"] = new JsonObject(overrides.Select(o => KeyValuePair.Create(o.Key, (JsonNode?)JsonValue.Create(o.Value))));
        echo["alwayson_scripts"] = new JsonObject();
        echo["script_args"] = new JsonArray();
        if (isImg2Img)
        {
            (echo["init_images"], echo["mask"]) = (null, null);
        }

        return echo;
    }

    /// <summary>What was made, as the text that clients read as JSON.</summary>
    /// <param name="pictures">The pictures, in order.</param>
    /// <param name="infotexts">The text of each.</param>
    /// <param name="bodies">What was asked for, and what of it is not done.</param>
    /// <param name="first">A job of the call, also where there are no pictures.</param>
    /// <param name="table">The face's table.</param>
    public static JsonObject Of(
        IReadOnlyList<A1111Picture> pictures,
        IReadOnlyList<string> infotexts,
        A1111Bodies bodies,
        JobDocument first,
        A1111Table table
    )
    {
        var request = (PictureRequest)first.Request!;
        double? strength = request switch
        {
            Img2ImgRequest r => r.Strength,
            InpaintRequest r => r.Strength,
            { HiresFix: { } fix } => fix.Strength,
            _ => null,
        };
        string[] warnings = [.. bodies.Warnings.Concat(first.Warnings ?? []).Distinct()];
        long[] seeds = [.. pictures.Select(p => p.Seed)];
        return new JsonObject
        {
            ["prompt"] = request.Prompt,
            ["all_prompts"] = Repeated(request.Prompt, pictures.Count),
            ["negative_prompt"] = request.NegativePrompt,
            ["all_negative_prompts"] = Repeated(request.NegativePrompt, pictures.Count),
            ["seed"] = seeds.Length > 0 ? seeds[0] : request.Seed,
            ["all_seeds"] = new JsonArray([.. seeds.Select(s => (JsonNode)JsonValue.Create(s))]),
            ["subseed"] = -1,
            ["all_subseeds"] = new JsonArray([.. seeds.Select(_ => (JsonNode)JsonValue.Create(-1))]),
            ["subseed_strength"] = 0,
            ["width"] = request.Width,
            ["height"] = request.Height,
            ["sampler_name"] = SamplerOf(request, bodies, table),
            ["cfg_scale"] = request.GuidanceScale,
            ["steps"] = request.NumInferenceSteps,
            ["batch_size"] = bodies.Batch.Size,
            ["restore_faces"] = false,
            ["face_restoration_model"] = null,
            ["sd_model_name"] = first.Model,
            ["sd_model_hash"] = null,
            ["sd_vae_name"] = request.Vae,
            ["sd_vae_hash"] = null,
            ["seed_resize_from_w"] = -1,
            ["seed_resize_from_h"] = -1,
            ["denoising_strength"] = strength,
            ["extra_generation_params"] = Extra(request, bodies),
            ["index_of_first_image"] = 0,
            ["infotexts"] = new JsonArray([.. infotexts.Select(t => (JsonNode)JsonValue.Create(t)!)]),
            ["styles"] = new JsonArray([.. bodies.Styles.Select(s => (JsonNode)JsonValue.Create(s)!)]),
            ["job_timestamp"] = first.CreatedAt.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture),
            ["clip_skip"] = (request.ClipSkip ?? 0) + 1,
            ["is_using_inpainting_conditioning"] = false,
            ["version"] = table.Version,
            // What the web UI has no word for: what of the request is not done as it may have been meant
            ["warnings"] = new JsonArray([.. warnings.Select(w => (JsonNode)JsonValue.Create(w)!)]),
        };
    }

    private static string SamplerOf(PictureRequest request, A1111Bodies bodies, A1111Table table) =>
        bodies.Sampling.Scheduler == request.Scheduler ? bodies.Sampling.Sampler : A1111Names.SamplerOf(request.Scheduler, table).Sampler;

    private static JsonObject Extra(PictureRequest request, A1111Bodies bodies)
    {
        var extra = new JsonObject { ["Schedule type"] = bodies.Sampling.Schedule };
        if (request.HiresFix is { } fix)
        {
            extra["Hires upscale"] = fix.Scale;
            extra["Hires steps"] = fix.Steps;
            extra["Hires upscaler"] = fix.Upscaler;
        }

        if (request is InpaintRequest inpaint)
        {
            extra["Mask blur"] = inpaint.MaskBlur;
            if (inpaint.Padding is { } padding)
            {
                (extra["Inpaint area"], extra["Masked area padding"]) = ("Only masked", padding);
            }
        }

        return extra;
    }

    private static JsonArray Repeated(string text, int count) =>
        new([.. Enumerable.Repeat(text, count).Select(t => (JsonNode)JsonValue.Create(t)!)]);

    private static JsonValue? ValueOf(FaceValue value)
    {
        if (value.IsNull || value.Text is not { } text)
        {
            return null;
        }

        return value.Kind switch
        {
            "a number"
                when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                    && double.IsFinite(number) => number == Math.Floor(number) && Math.Abs(number) < 1e15
                ? JsonValue.Create((long)number)
                : JsonValue.Create(number),
            "a boolean" => JsonValue.Create(text == "true"),
            _ => JsonValue.Create(text),
        };
    }
}
