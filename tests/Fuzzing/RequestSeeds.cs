using System.Text.Json.Nodes;

namespace Generation.Fuzzing;

/// <summary>A right request, of which wrong ones are made.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">The path, with {name} where something that an answer gave belongs.</param>
/// <param name="Body">The fields of the body; null where it has none.</param>
/// <param name="Query">Names of parameters of the query string.</param>
/// <param name="TakesForms">Whether the fields may come as a form.</param>
/// <param name="Statuses">The statuses that are told of it; null: any.</param>
public sealed record RequestSeed(
    string Method,
    string Path,
    JsonObject? Body = null,
    IReadOnlyList<string>? Query = null,
    bool TakesForms = false,
    IReadOnlySet<int>? Statuses = null
);

/// <summary>Where requests begin: the calls of an OpenAPI description, and those of the faces, which have none here.</summary>
public static class RequestSeeds
{
    private static readonly string[] GalleryQuery =
    [
        "search",
        "cursor",
        "per_page",
        "min_width",
        "max_width",
        "widths",
        "model_ids",
        "scheduler_ids",
        "order",
        "order_by",
        "start_dt",
        "end_dt",
        "gallery_status",
        "output_id",
        "upscaled",
        "guidance_scales",
        "is_favorited",
    ];

    /// <summary>The calls of the faces.</summary>
    public static IEnumerable<RequestSeed> OfFaces()
    {
        JsonObject openAi = Object("""{"prompt":"a cat","n":1,"size":"256x256","model":"demo","quality":"low","response_format":"url"}""");
        yield return Form("/v1/images/generations", openAi);
        yield return Form("/v1/images/edits", With(openAi, """{"image":"PICTURE","mask":"PICTURE","stream":false}"""));
        yield return Form("/v1/images/edits", With(openAi, """{"images":[{"image_url":"PICTURE"},{"file_id":"upl_"}]}"""));
        yield return Form("/v1/images/variations", With(openAi, """{"image":"PICTURE"}"""));
        JsonObject nebula = Object("""{"prompt":"a cat","num_steps":2,"width":256,"height":256,"seed":-1,"guidance_scale":7.5,"n":1}""");
        yield return Form("/api/v1/images/generation", nebula);
        yield return Form("/api/v1/images/generation", With(nebula, """{"input_image":"PICTURE","mask_image":"PICTURE"}"""));
        JsonObject dezgo = Object(
            """{"prompt":"a cat","steps":2,"sampler":"ddim","guidance":7,"seed":"1","upscale":1,"format":"png","lora1":"x"}"""
        );
        foreach (string call in (string[])["text2image", "text2image_sdxl", "text2image_flux", "text2video"])
        {
            yield return Form($"/faces/dezgo/{call}", dezgo);
        }

        foreach (string call in (string[])["image2image", "inpainting", "text-inpainting", "edit-image", "controlnet", "upscale"])
        {
            yield return Form(
                $"/faces/dezgo/{call}",
                With(dezgo, """{"init_image":"PICTURE","mask_image":"PICTURE","strength":0.5,"control_model":"canny","mask_prompt":"a"}""")
            );
        }

        yield return Get("/faces/dezgo/info");
        yield return Get("/faces/dezgo/openapi.json");
        yield return Get("/faces/dezgo/account/tx/last");
        yield return Get("/faces/dezgo/account/file", "id", "offset");
        JsonObject modelsLab = Object(
            """
            {"prompt":"a cat","negative_prompt":"","width":"256","height":"256","samples":"1","num_inference_steps":"2","seed":null,
             "guidance_scale":7.5,"safety_checker":"no","enhance_prompt":"yes","model_id":"demo","scheduler":"DDIMScheduler","webhook":null,
             "track_id":"t","lora_model":"a,b","lora_strength":"1,1","upscale":"no","base64":"no","temp":"no","highres_fix":"no"}
            """
        );
        foreach (
            string version in (string[])
                ["/api/v3", "/api/v4/dreambooth", "/api/v5", "/api/v6/images", "/api/v6/realtime", "/api/v1/enterprise"]
        )
        {
            yield return Form($"{version}/text2img", modelsLab);
            yield return Form(
                $"{version}/img2img",
                With(modelsLab, """{"init_image":"PICTURE","mask_image":"PICTURE","strength":0.7,"control_image":"PICTURE"}""")
            );
            yield return Form($"{version}/fetch/{{id}}", Object("""{"request_id":1}"""));
        }

        foreach (
            string call in (string[])
                [
                    "/api/v6/images/inpaint",
                    "/api/v6/image_editing/outpaint",
                    "/api/v6/image_editing/super_resolution",
                    "/api/v6/video/text2video",
                    "/api/v6/video/img2video",
                    "/api/v6/images/controlnet",
                    "/api/v3/base64_crop",
                    "/api/v3/nsfw_image_check",
                    "/api/v5/interior",
                    "/api/v6/image_editing/removebg_mask",
                    "/api/v6/image_editing/nsfw_image_check",
                    "/api/v6/base64_to_url",
                ]
        )
        {
            yield return Form(
                call,
                With(
                    modelsLab,
                    """
                    {"init_image":"PICTURE","mask_image":"PICTURE","image":"PICTURE","url":"PICTURE","scale":2,"controlnet_type":"canny",
                     "num_frames":4,"fps":4,"output_type":"gif","height_translation_per_step":64,"num_outpainting_steps":1,"crop":"true"}
                    """
                )
            );
        }

        foreach (
            string call in (string[])
                [
                    "/api/v3/system_load",
                    "/api/v4/dreambooth/model_list",
                    "/api/v4/schedulers_list",
                    "/api/v6/wallet_balance",
                    "/api/wallet_balance",
                    "/api/v4/dreambooth/model_reload",
                    "/api/v3/request_count",
                    "/api/v6/delete_image",
                    "/api/v3/system_details",
                    "/api/v6/clear_queue",
                    "/api/v6/load_model",
                ]
        )
        {
            yield return Form(call, Object("""{"model_id":"demo","image":"x","request_id":"1"}"""));
        }

        yield return Get("/api/files/{id}", "expires", "signature");
        JsonObject stablecog = Object(
            """
            {"prompt":"a cat","width":256,"height":256,"num_outputs":1,"inference_steps":10,"guidance_scale":7,"seed":1,
             "model_id":"00000000-0000-0000-0000-000000000000","scheduler_id":"00000000-0000-0000-0000-000000000000",
             "init_image_url":"https://a.example/b.png","mask_image_url":"s3://a/b.png","prompt_strength":0.5,"submit_to_gallery":true}
            """
        );
        yield return Form("/v1/image/generation/create", stablecog);
        yield return Form(
            "/v1/image/upscale/create",
            Object("""{"input":"x","model_id":"","data":"{\"input\":\"x\"}","file":"PICTURE"}""")
        );
        yield return Form("/v1/image/upload", Object("""{"file":"PICTURE"}"""));
        yield return Get("/v1/image/generation/outputs", GalleryQuery);
        yield return Get("/v1/gallery", GalleryQuery);
        yield return Get("/v1/credits");
        yield return Get("/v1/image/models");

        JsonObject a1111 = Object(
            """
            {"prompt":"a cat <lora:a:1>","negative_prompt":"","steps":"2","width":64,"height":64,"cfg_scale":7,"seed":-1,"n_iter":1,
             "batch_size":1,"sampler_name":"DPM++ 2M Karras","scheduler":"karras","sampler_index":"Euler","styles":["a"],"subseed":1,
             "subseed_strength":0.5,"override_settings":{"sd_model_checkpoint":"demo","sd_vae":"x","CLIP_stop_at_last_layers":2,"b":[1]},
             "override_settings_restore_afterwards":false,"force_task_id":"t",
             "infotext":"a\nSteps: 2, Sampler: Euler, Seed: 1, Size: 64x64",
             "alwayson_scripts":{"ControlNet":{"args":[{"image":"PICTURE","module":"canny","model":"x [y]","weight":1,"control_mode":0}]},
             "ADetailer":{"args":[false]}},"script_name":null,"script_args":[],"refiner_checkpoint":"x","refiner_switch_at":0.5,
             "send_images":true,"denoising_strength":0.5,"eta":0,"clip_skip":1}
            """
        );
        yield return Form(
            "/sdapi/v1/txt2img",
            With(a1111, """{"enable_hr":true,"hr_scale":2,"hr_resize_x":0,"hr_upscaler":"Latent","firstphase_width":0,"hr_prompt":"b"}""")
        );
        yield return Form("/sdapi/v1/txt2img", Object("""{"prompt":"a cat","steps":2,"width":64,"height":64}"""));
        yield return Form(
            "/sdapi/v1/img2img",
            With(
                a1111,
                """
                {"init_images":["PICTURE"],"mask":"PICTURE","mask_blur":4,"mask_blur_x":1,"inpainting_fill":1,"inpaint_full_res":true,
                 "inpaint_full_res_padding":8,"inpainting_mask_invert":1,"resize_mode":0,"image_cfg_scale":1.5,"alwayson_scripts":{}}
                """
            )
        );
        JsonObject extras = Object(
            """
            {"image":"PICTURE","resize_mode":0,"upscaling_resize":2,"upscaling_resize_w":128,"upscaling_resize_h":128,"upscaler_1":"None",
             "upscaler_2":"None","extras_upscaler_2_visibility":0,"gfpgan_visibility":0,"codeformer_weight":0}
            """
        );
        yield return Form("/sdapi/v1/extra-single-image", extras);
        yield return Form("/sdapi/v1/extra-batch-images", With(extras, """{"imageList":[{"data":"PICTURE","name":"a"},{"data":"x"}]}"""));
        yield return Form("/sdapi/v1/png-info", Object("""{"image":"PICTURE"}"""));
        yield return Form("/sdapi/v1/interrogate", Object("""{"image":"PICTURE","model":"clip"}"""));
        yield return Form(
            "/sdapi/v1/options",
            Object(
                """{"sd_model_checkpoint":"demo.safetensors","sd_vae":"Automatic","jpeg_quality":80,"samples_format":"png","a":{"b":1}}"""
            )
        );
        yield return Form("/internal/progress", Object("""{"id_task":"t","id_live_preview":-1,"live_preview":true}"""));
        foreach (string call in (string[])["interrupt", "skip", "refresh-checkpoints", "unload-checkpoint"])
        {
            yield return Form($"/sdapi/v1/{call}", Object("{}"));
        }

        foreach (
            string list in (string[])
                [
                    "/sdapi/v1/options",
                    "/sdapi/v1/sd-models",
                    "/sdapi/v1/sd-vae",
                    "/sdapi/v1/samplers",
                    "/sdapi/v1/schedulers",
                    "/sdapi/v1/upscalers",
                    "/sdapi/v1/embeddings",
                    "/sdapi/v1/loras",
                    "/sdapi/v1/scripts",
                    "/sdapi/v1/script-info",
                    "/controlnet/model_list",
                    "/controlnet/control_types",
                    "/internal/ping",
                ]
        )
        {
            yield return Get(list);
        }

        yield return Get("/sdapi/v1/progress", "skip_current_image");
        JsonObject comfy = Object(
            """
            {"prompt":{"3":{"class_type":"KSampler","inputs":{"model":["4",0],"seed":1,"steps":2,"cfg":8,"sampler_name":"euler",
             "scheduler":"normal","positive":["6",0],"negative":["6",0],"latent_image":["5",0],"denoise":1}},
             "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"demo.safetensors"}},
             "5":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},
             "6":{"class_type":"CLIPTextEncode","inputs":{"text":"a cat","clip":["4",1]}},
             "8":{"class_type":"VAEDecode","inputs":{"samples":["3",0],"vae":["4",2]}},
             "9":{"class_type":"SaveImage","inputs":{"images":["8",0],"filename_prefix":"a/b"}}},
             "client_id":"c","extra_data":{"extra_pnginfo":{"workflow":{}}},"partial_execution_targets":["9"],"front":true}
            """
        );
        yield return Form("/prompt", comfy);
        yield return Form("/faces/comfyui/api/prompt", With(comfy, """{"prompt_id":"p"}"""));
        yield return Form(
            "/prompt",
            Object(
                """
                {"prompt":{"1":{"class_type":"LoadImage","inputs":{"image":"a.png [output]"}},
                 "2":{"class_type":"VAEEncodeForInpaint","inputs":{"pixels":["1",0],"vae":["4",2],"mask":["1",1],"grow_mask_by":6}},
                 "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"demo.safetensors"}},
                 "5":{"class_type":"UpscaleModelLoader","inputs":{"model_name":"x.pth"}},
                 "6":{"class_type":"ImageUpscaleWithModel","inputs":{"upscale_model":["5",0],"image":["1",0]}},
                 "9":{"class_type":"PreviewImage","inputs":{"images":["6",0]}}}}
                """
            )
        );
        yield return Form("/queue", Object("""{"clear":false,"delete":["p"]}"""));
        yield return Form("/history", Object("""{"clear":false,"delete":["p"]}"""));
        yield return Form("/interrupt", Object("""{"prompt_id":"p"}"""));
        yield return Form("/upload/image", Object("""{"image":"PICTURE","type":"input","subfolder":"a","overwrite":"true"}"""));
        yield return Form(
            "/upload/mask",
            Object("""{"image":"PICTURE","original_ref":"{\"filename\":\"a.png\",\"subfolder\":\"\",\"type\":\"input\"}"}""")
        );
        yield return Get("/view", "filename", "subfolder", "type", "preview", "channel");
        yield return Get("/history", "max_items", "offset");
        yield return Get("/history/{id}");
        yield return Get("/ws", "clientId", "token");
        foreach (string list in (string[])["/object_info", "/object_info/KSampler", "/queue", "/prompt", "/system_stats", "/models/loras"])
        {
            yield return Get(list);
        }

        JsonObject replicate = Object(
            """
            {"input":{"prompt":"a cat","negative_prompt":"","image":"PICTURE","mask":"PICTURE","num_outputs":"1","width":64,"height":64,
             "num_inference_steps":2,"scheduler":"DDIM","seed":-1,"prompt_strength":0.5,"refine":"no_refiner","go_fast":true},
             "version":"39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b","webhook":"https://a.example/b",
             "webhook_events_filter":["start","completed"],"stream":false}
            """
        );
        yield return Form("/replicate/v1/predictions", replicate);
        yield return Form("/replicate/v1/predictions", With(replicate, """{"version":"stability-ai/sdxl"}"""));
        foreach (
            (string model, string input) in ((string, string)[])
                [
                    ("black-forest-labs/flux-schnell", """{"prompt":"a","aspect_ratio":"16:9","megapixels":"0.25","output_quality":0}"""),
                    (
                        "black-forest-labs/flux-dev-lora",
                        """{"prompt":"a","lora_weights":"https://a.example/b","lora_scale":1,"guidance":3}"""
                    ),
                    ("black-forest-labs/flux-fill-dev", """{"prompt":"a","image":"PICTURE","mask":"PICTURE","guidance":30}"""),
                    ("nightmareai/real-esrgan", """{"image":"PICTURE","scale":2,"face_enhance":false}"""),
                    ("wan-video/wan-2.2-t2v-fast", """{"prompt":"a","num_frames":2,"resolution":"480p","frames_per_second":8}"""),
                    ("stability-ai/stable-video-diffusion", """{"input_image":"PICTURE","video_length":"14_frames_with_svd"}"""),
                    ("generation/demo", """{"prompt":"a","width":64,"height":64,"loras":[]}"""),
                ]
        )
        {
            yield return Form($"/replicate/v1/models/{model}/predictions", With(replicate, $$"""{"input":{{input}}}"""));
        }

        yield return Form("/faces/replicate/v1/deployments/stability-ai/sdxl/predictions", replicate);
        yield return Form("/replicate/v1/predictions/{id}/cancel", Object("{}"));
        yield return Form("/replicate/v1/files", Object("""{"content":"PICTURE","metadata":"{\"a\":1}","filename":"a.png"}"""));
        yield return new RequestSeed("QUERY", "/replicate/v1/models", Object("""{"query":"flux"}"""));
        yield return new RequestSeed("DELETE", "/replicate/v1/files/{id}");
        yield return Get("/replicate/v1/predictions", "cursor", "created_after", "created_before", "source");
        yield return Get("/replicate/v1/files", "cursor");
        foreach (
            string call in (string[])
                [
                    "/predictions/{id}",
                    "/files/{id}",
                    "/files/{id}/download",
                    "/account",
                    "/hardware",
                    "/models",
                    "/models/stability-ai/sdxl",
                    "/models/stability-ai/{id}/versions",
                    "/models/stability-ai/sdxl/versions/{id}",
                    "/deployments",
                    "/deployments/a/{id}",
                    "/collections",
                    "/collections/{id}",
                    "/webhooks/default/secret",
                ]
        )
        {
            yield return Get("/replicate/v1" + call);
        }

        yield return Get("/replicate/v1/files/streams/{id}", "expires", "signature");

        JsonObject fal = Object(
            """
            {"prompt":"a cat","negative_prompt":"","image_size":{"width":64,"height":64},"num_inference_steps":2,"guidance_scale":"3.5",
             "seed":-1,"num_images":1,"sync_mode":true,"enable_safety_checker":false,"output_format":"jpeg","format":"png",
             "loras":[{"path":"https://a.example/b.safetensors","scale":0.5}],"acceleration":"none"}
            """
        );
        yield return new RequestSeed("POST", "/fal/queue/fal-ai/flux/dev", fal, ["fal_webhook"], TakesForms: true);
        yield return Form("/fal/queue/fal-ai/flux/schnell", With(fal, """{"image_size":"square"}"""));
        foreach (string call in (string[])["queue/fal-ai/fast-sdxl/inpainting", "run/fal-ai/flux/dev/image-to-image", "run/fal-ai/lora"])
        {
            yield return Form(
                $"/fal/{call}",
                With(fal, """{"image_url":"PICTURE","mask_url":"PICTURE","strength":0.5,"model_name":"demo","scheduler":"Euler A"}""")
            );
        }

        yield return Form("/fal/queue/fal-ai/esrgan", Object("""{"image_url":"PICTURE","scale":2,"face":false}"""));
        yield return Form(
            "/fal/queue/fal-ai/wan-t2v",
            Object("""{"prompt":"a","num_frames":2,"aspect_ratio":"16:9","resolution":"720p"}""")
        );
        yield return Form("/faces/fal/queue/fal-ai/stable-video", Object("""{"image_url":"PICTURE","fps":8,"cond_aug":0.02}"""));
        yield return Form("/fal/rest/storage/upload/initiate", Object("""{"content_type":"image/png","file_name":"a.png"}"""));
        yield return new RequestSeed("PUT", "/fal/files/{id}", Object("{}"), ["account", "until", "signature"]);
        yield return new RequestSeed("PUT", "/fal/queue/fal-ai/flux/requests/{id}/cancel", Object("{}"));
        yield return Get("/fal/queue/fal-ai/flux/requests/{id}");
        yield return Get("/fal/queue/fal-ai/flux/requests/{id}/status", "logs");
        yield return Get("/fal/queue/fal-ai/flux/requests/{id}/status/stream", "logs");
        yield return Get("/fal/files/{id}", "expires", "signature");

        static RequestSeed Form(string path, JsonObject body) => new("POST", path, body, TakesForms: true);

        static RequestSeed Get(string path, params string[] query) => new("GET", path, Query: query);
    }

    /// <summary>The calls of a description, each with an example of its body and the statuses that are told of it.</summary>
    public static IEnumerable<RequestSeed> Of(JsonObject description)
    {
        foreach ((string path, JsonNode? item) in description["paths"]!.AsObject())
        {
            foreach (
                (string method, JsonNode? operation) in item!
                    .AsObject()
                    .Where(o => o.Key is "get" or "post" or "put" or "delete" or "patch")
            )
            {
                JsonObject? content = operation!["requestBody"]?["content"]?.AsObject();
                string[] query =
                [
                    .. (operation["parameters"]?.AsArray() ?? []).Where(p => (string?)p!["in"] == "query").Select(p => (string)p!["name"]!),
                ];
                yield return new RequestSeed(
                    method.ToUpperInvariant(),
                    path,
                    content is null ? null : BodyOf(content.First().Value!, description),
                    query,
                    content?.ContainsKey("multipart/form-data") == true,
                    operation["responses"]!.AsObject().Select(r => int.Parse(r.Key)).ToHashSet()
                );
            }
        }
    }

    private static JsonObject BodyOf(JsonNode content, JsonObject description)
    {
        JsonObject example = content["example"] is JsonObject given ? (JsonObject)given.DeepClone() : [];
        JsonNode? schema = content["schema"];
        if ((string?)schema?["$ref"] is { } reference)
        {
            schema = description["components"]!["schemas"]![reference[(reference.LastIndexOf('/') + 1)..]];
        }

        // Fields that the example lacks, so that they are tried, too
        foreach ((string name, JsonNode? _) in schema?["properties"]?.AsObject() ?? [])
        {
            example.TryAdd(name, null);
        }

        return example;
    }

    private static JsonObject Object(string json) => JsonNode.Parse(json)!.AsObject();

    private static JsonObject With(JsonObject body, string more)
    {
        var all = (JsonObject)body.DeepClone();
        foreach ((string name, JsonNode? value) in Object(more))
        {
            all[name] = value?.DeepClone();
        }

        return all;
    }
}
