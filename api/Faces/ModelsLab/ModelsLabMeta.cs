using System.Text.Json.Nodes;
using Generation.Contracts;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>The meta object of an answer: the request as the service's versions repeat it.</summary>
internal static class ModelsLabMeta
{
    public static JsonObject Of(JobRequest request, ModelsLabNote note, ModelsLabDialect dialect)
    {
        var meta = new JsonObject();
        string safety = note.SafetyChecker ? "yes" : "no";
        switch (request)
        {
            case PictureRequest picture:
                Sizes(meta, picture.Width, picture.Height);
                meta["guidance_scale"] = picture.GuidanceScale;
                meta["n_samples"] = picture.NumImages;
                meta["negative_prompt"] = picture.NegativePrompt;
                meta["prompt"] = picture.Prompt;
                meta["seed"] = picture.Seed;
                meta["steps"] = picture.NumInferenceSteps;
                meta["scheduler"] = note.Scheduler ?? picture.Scheduler;
                meta["vae"] = picture.Vae ?? picture.Model;
                meta["clip_skip"] = (picture.ClipSkip ?? 0) + 1;
                Adapters(meta, picture, note);
                break;
            case VideoRequest video:
                Sizes(meta, video.Width, video.Height);
                meta["guidance_scale"] = video.GuidanceScale;
                meta["n_samples"] = 1;
                meta["negative_prompt"] = video.NegativePrompt;
                meta["prompt"] = video.Prompt;
                meta["seed"] = video.Seed;
                meta["steps"] = video.NumInferenceSteps;
                meta["scheduler"] = note.Scheduler ?? video.Scheduler;
                meta["num_frames"] = video.NumFrames;
                meta["fps"] = video.Fps;
                meta["output_type"] = video.OutputFormat;
                break;
            case SuperResolutionRequest upscale:
                Sizes(meta, upscale.Width, upscale.Height);
                meta["scale"] = upscale.Scale;
                break;
        }

        meta["model"] = request.Model;
        meta["model_id"] = note.ModelId ?? request.Model;
        // Both spellings are about
        meta["safetychecker"] = safety;
        meta["safety_checker"] = safety;
        meta["file_prefix"] = "";
        meta["outdir"] = "out";
        if (dialect.IsStandard)
        {
            meta["enable_attention_slicing"] = "true";
            meta["revision"] = "fp16";
        }
        else
        {
            meta["full_url"] = "no";
            meta["upscale"] = note.Upscale ?? "no";
            meta["multi_lingual"] = YesNo(note.MultiLingual);
            meta["panorama"] = YesNo(note.Panorama);
            meta["self_attention"] = YesNo(note.SelfAttention);
            meta["base64"] = YesNo(note.Base64);
        }

        Kind(meta, request, note);
        return meta;
    }

    private static void Kind(JsonObject meta, JobRequest request, ModelsLabNote note)
    {
        switch (request)
        {
            case Img2ImgRequest { Strength: var strength }:
                meta["init_image"] = note.InitImage ?? "";
                meta["strength"] = strength;
                break;
            case InpaintRequest { Strength: var strength }:
                meta["init_image"] = note.InitImage ?? "";
                meta["mask_image"] = note.MaskImage ?? "";
                meta["strength"] = strength;
                break;
            case EditRequest { ImageGuidanceScale: var scale }:
                meta["init_image"] = note.InitImage ?? "";
                meta["image_guidance_scale"] = scale;
                break;
            case ControlNetRequest control:
                meta["init_image"] = note.InitImage ?? "";
                meta["controlnet_model"] = string.Join(',', control.Control.Select(c => c.Type));
                meta["controlnet_type"] = string.Join(',', control.Control.Select(c => c.Type));
                meta["controlnet_conditioning_scale"] = string.Join(',', control.Control.Select(c => c.Scale));
                meta["auto_hint"] = YesNo(control.Control.Any(c => c.Preprocessor != "none"));
                meta["guess_mode"] = YesNo(control.GuessMode);
                break;
            case OutpaintRequest outpaint:
                meta["image"] = note.InitImage ?? "";
                meta["overlap_width"] = outpaint.Overlap;
                break;
            case SuperResolutionRequest or VideoRequest { Image: not null }:
                meta["init_image"] = note.InitImage ?? "";
                break;
        }
    }

    private static void Adapters(JsonObject meta, PictureRequest picture, ModelsLabNote note)
    {
        meta["embeddings"] = note.Embeddings;
        meta["lora"] = note.Lora;
        if (picture.Loras is { Count: > 0 } loras)
        {
            meta["lora_model"] = string.Join(',', loras.Select(l => l.Model));
            meta["lora_strength"] = string.Join(',', loras.Select(l => l.Scale));
        }
    }

    private static void Sizes(JsonObject meta, int width, int height)
    {
        meta["W"] = width;
        meta["H"] = height;
    }

    private static string YesNo(bool value) => value ? "yes" : "no";
}
