using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Inputs;
using Generation.Contracts;

namespace Generation.Faces.Tests.A1111;

/// <summary>The requests of clients as their programs send them, field by field, and what each reads of the answers.</summary>
public sealed class A1111ClientTests : A1111Tests
{
    /// <summary>Reads the options before each picture, sends all of them back with a checkpoint, and then the picture.</summary>
    [Test]
    public async Task OpenWebUi_Generation_SwitchesTheCheckpointAndDraws()
    {
        JsonNode options = JsonNode.Parse((await GetAsync(Options)).GetRawText())!;
        string title = (await GetAsync("/sdapi/v1/sd-models"))[0].GetProperty("title").GetString()!;
        Assert.That((string?)options["sd_model_checkpoint"], Is.EqualTo(title));
        options["sd_model_checkpoint"] = title;
        Assert.That((await PostAsync(Options, options.ToJsonString())).ValueKind, Is.EqualTo(JsonValueKind.Null));

        JsonElement answer = await PostAsync(
            Text2Img,
            """{"prompt": "a red apple", "batch_size": 2, "width": 64, "height": 96, "steps": 4, "negative_prompt": "blurry"}"""
        );

        Assert.That(answer.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "images", "parameters", "info" }));
        Assert.That(answer.GetProperty("images").GetArrayLength(), Is.EqualTo(2));
        Assert.That(PictureHeader.Read(Picture(answer, 1)), Is.EqualTo(new PictureHeader("image/png", 64, 96)));
        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (
                request.Prompt,
                request.NegativePrompt,
                request.NumImages,
                request.NumInferenceSteps,
                request.GuidanceScale,
                request.Scheduler
            ),
            Is.EqualTo(("a red apple", "blurry", 2, 4, 7.0, "euler"))
        );
        JsonElement info = Info(answer);
        long seed = info.GetProperty("seed").GetInt64();
        Assert.That(info.GetProperty("all_seeds").EnumerateArray().Select(s => s.GetInt64()), Is.EqualTo(new[] { seed, seed + 1 }));
        Assert.That(info.GetProperty("infotexts").GetArrayLength(), Is.EqualTo(2));
    }

    [Test]
    public async Task SillyTavern_Connection_GetsItsLists()
    {
        JsonElement upscalers = await GetAsync("/sdapi/v1/upscalers");
        string[] samplers = Names(await GetAsync("/sdapi/v1/samplers"));

        Assert.That(Names(upscalers)[0], Is.EqualTo("None"), "latent modes are put behind it");
        Assert.That(Names(upscalers), Does.Contain("demo-upscaler"));
        Assert.That((await GetAsync("/sdapi/v1/latent-upscale-modes")).ValueKind, Is.EqualTo(JsonValueKind.Array));
        Assert.That((await GetAsync("/sdapi/v1/sd-vae")).ValueKind, Is.EqualTo(JsonValueKind.Array));
        Assert.That(samplers, Is.SupersetOf(new[] { "Euler a", "Euler", "DDIM", "DPM++ 2M", "UniPC", "LCM" }));
        Assert.That(samplers, Has.None.EqualTo("Restart"), "what is only the nearest is not listed");
        Assert.That(Names(await GetAsync("/sdapi/v1/schedulers")), Is.SupersetOf(new[] { "automatic", "karras", "exponential" }));
        Assert.That((await GetAsync("/sdapi/v1/sd-models"))[0].GetProperty("title").GetString(), Is.EqualTo("demo.safetensors"));
        await PostAsync(Options, """{"sd_model_checkpoint":"demo.safetensors"}""");
        JsonElement progress = await GetAsync("/sdapi/v1/progress");
        Assert.That(
            (progress.GetProperty("progress").GetDouble(), progress.GetProperty("state").GetProperty("job_count").GetInt32()),
            Is.EqualTo((0.0, 0))
        );
    }

    /// <summary>With its own url and auth still in the body.</summary>
    [Test]
    public async Task SillyTavern_Generation_AnswersWithRawBase64()
    {
        JsonElement answer = await PostAsync(
            Text2Img,
            """
            {"url":"http://127.0.0.1:7860","auth":"user:secret","prompt":"a red apple","negative_prompt":"bad",
             "sampler_name":"DPM++ 2M Karras","scheduler":"normal","steps":5,"cfg_scale":6.5,"width":64,"height":64,"restore_faces":false,
             "enable_hr":false,"hr_upscaler":"Latent","hr_scale":2,"hr_additional_modules":[],"denoising_strength":0.7,
             "hr_second_pass_steps":0,"override_settings":{"CLIP_stop_at_last_layers":2},"override_settings_restore_afterwards":true,
             "clip_skip":2,"save_images":true,"send_images":true,"do_not_save_grid":false,"do_not_save_samples":false}
            """
        );

        string image = answer.GetProperty("images")[0].GetString()!;
        Assert.That(image, Does.StartWith("iVBOR"), "raw base64, without the beginning of a data URI");
        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (request.NumInferenceSteps, request.GuidanceScale, request.ClipSkip, request.HiresFix),
            Is.EqualTo((5, 6.5, (int?)1, (HiresFix?)null))
        );
        Assert.That(request.Scheduler, Is.EqualTo("dpmpp_2m"), "the field of its own counts before what the name has at its end");
        Assert.That(Warnings(answer), Has.Some.StartsWith("scheduler: Normal"));
        JsonElement echo = answer.GetProperty("parameters");
        Assert.That(
            (echo.GetProperty("steps").GetInt32(), echo.GetProperty("cfg_scale").GetDouble(), echo.GetProperty("seed").GetInt32()),
            Is.EqualTo((5, 6.5, -1))
        );
        Assert.That(echo.GetRawText(), Does.Not.Contain("secret"), "fields that are none are not echoed");
    }

    /// <summary>Its address has the key as the password, which the HTTP library turns into Basic authentication.</summary>
    [Test]
    public async Task LibreChat_Generation_HasItsInfoAsText()
    {
        JsonElement answer = await PostAsync(
            Text2Img,
            """{"prompt":"a red apple, a table","negative_prompt":"blurry, dark","cfg_scale":4.5,"steps":22,"width":1024,"height":1024}"""
        );

        JsonElement info = Info(answer);
        string text = info.GetProperty("infotexts")[0].GetString()!;
        Assert.That(
            (info.GetProperty("width").GetInt32(), info.GetProperty("height").GetInt32(), info.GetProperty("seed").ValueKind),
            Is.EqualTo((1024, 1024, JsonValueKind.Number))
        );
        Assert.That(text.Split('\n'), Has.Length.EqualTo(3));
        Assert.That(
            text.Split('\n')[^1],
            Does.StartWith("Steps: 22, Sampler: Euler, CFG scale: 4.5, Seed: " + info.GetProperty("seed").GetInt64())
        );
        Assert.That(Encoding.Latin1.GetString(Picture(answer)), Does.Contain(text), "the file says the same");
        Assert.That(PictureHeader.Read(Picture(answer)), Is.EqualTo(new PictureHeader("image/png", 1024, 1024)));
    }

    /// <summary>All fields of Python's webuiapi, most of them as it sends them unasked.</summary>
    [Test]
    public async Task WebUiApi_Text2Img_TakesAllItsFields()
    {
        JsonElement scripts = await GetAsync("/sdapi/v1/scripts");
        Assert.That(scripts.GetProperty("txt2img").ValueKind, Is.EqualTo(JsonValueKind.Array));
        JsonElement answer = await PostAsync(
            Text2Img,
            """
            {"enable_hr":false,"hr_scale":2,"hr_upscaler":"Latent","hr_second_pass_steps":0,"hr_resize_x":0,"hr_resize_y":0,
             "hr_checkpoint_name":null,"hr_sampler_name":null,"hr_scheduler":null,"hr_prompt":"","hr_negative_prompt":"",
             "denoising_strength":0.7,"firstphase_width":0,"firstphase_height":0,"prompt":"cute squirrel","styles":["anime"],"seed":1003,
             "subseed":-1,"subseed_strength":0.0,"seed_resize_from_h":0,"seed_resize_from_w":0,"batch_size":1,"n_iter":2,"steps":4,
             "cfg_scale":7,"width":64,"height":64,"restore_faces":false,"tiling":false,"do_not_save_samples":false,"do_not_save_grid":false,
             "negative_prompt":"ugly","eta":1.0,"s_churn":0,"s_tmax":0,"s_tmin":0,"s_noise":1,"override_settings":{},
             "override_settings_restore_afterwards":true,"sampler_name":"Euler a","scheduler":"automatic","sampler_index":"Euler a",
             "script_name":null,"script_args":[],"send_images":true,"save_images":false,
             "alwayson_scripts":{"ADetailer":{"args":[false]},"ControlNet":{"args":[]}}}
            """
        );

        JsonElement info = Info(answer);
        Assert.That(answer.GetProperty("images").GetArrayLength(), Is.EqualTo(2));
        Assert.That(info.GetProperty("all_seeds").EnumerateArray().Select(s => s.GetInt64()), Is.EqualTo(new[] { 1003L, 1004L }));
        Assert.That(info.GetProperty("sampler_name").GetString(), Is.EqualTo("Euler a"));
        Assert.That(Warnings(answer), Is.EqualTo(new[] { "styles: there is no style 'anime'." }), "what it sends unasked is no warning");
        JobDocument[] jobs = [.. (await Api.JobsAsync(User)).Take(2).Reverse()];
        Assert.That(
            jobs.Select(j => (Text2ImgRequest)j.Request!).Select(r => (r.Seed, r.NumImages, r.Scheduler)),
            Is.EqualTo(new[] { (1003L, 1, "euler_a"), (1004L, 1, "euler_a") })
        );
    }

    [Test]
    public async Task WebUiApi_OtherCalls_AnswerWithJson()
    {
        foreach (
            string list in (string[])
                ["cmd-flags", "hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "embeddings", "loras", "memory"]
        )
        {
            Assert.That((await GetAsync($"/sdapi/v1/{list}")).ValueKind, Is.Not.EqualTo(JsonValueKind.Undefined), list);
        }

        // Bodies of calls that have none are not looked at
        foreach (string call in (string[])["refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings", "skip"])
        {
            Assert.That((await PostAsync($"/sdapi/v1/{call}", "\"\"")).ValueKind, Is.EqualTo(JsonValueKind.Null), call);
        }

        foreach (string call in (string[])["interrupt", "unload-checkpoint", "reload-checkpoint"])
        {
            Assert.That((await PostAsync($"/sdapi/v1/{call}", "\"\"")).GetRawText(), Is.EqualTo("{}"), call);
        }

        JsonElement embeddings = await GetAsync("/sdapi/v1/embeddings");
        Assert.That(embeddings.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "loaded", "skipped" }));
    }

    /// <summary>Numbers as texts, empty texts, nulls, and no content type.</summary>
    [TestCase(null)]
    [TestCase("text/plain")]
    [TestCase("application/x-www-form-urlencoded")]
    public async Task Text2Img_LooseBody_IsRead(string? contentType)
    {
        FaceAnswer answer = await Client.SendAsync(
            Text2Img,
            """
            {"prompt":"a red apple","steps":"4","width":"64","height":64.0,"cfg_scale":"6.5","seed":"12","sampler_name":"",
             "sampler_index":null,
             "scheduler":"","styles":null,"override_settings":null,"alwayson_scripts":null,"batch_size":"","negative_prompt":null,
             "enable_hr":"false","hr_scale":"2","script_name":"","script_args":null}
            """,
            contentType
        );

        Assert.That((int)answer.Status, Is.EqualTo(200), answer.Json.ToString());
        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (request.NumInferenceSteps, request.Width, request.GuidanceScale, request.Seed, request.Scheduler),
            Is.EqualTo((4, 64, 6.5, 12L, "euler"))
        );
    }

    [Test]
    public async Task Text2Img_Infotext_FillsWhatTheRequestLeavesOut()
    {
        JsonElement answer = await PostAsync(
            Text2Img,
            new
            {
                infotext = "a green pear\nNegative prompt: dark\nSteps: 3, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5, "
                    + "Seed: 99, Size: 64x96, Model: demo",
                steps = 4,
            }
        );

        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That(
            (request.Prompt, request.NegativePrompt, request.NumInferenceSteps, request.Scheduler, request.Seed, request.Height),
            Is.EqualTo(("a green pear", "dark", 4, "dpmpp_2m_karras", 99L, 96))
        );
        Assert.That(Info(answer).GetProperty("extra_generation_params").GetProperty("Schedule type").GetString(), Is.EqualTo("Karras"));
    }

    [Test]
    public async Task Text2Img_SidesThatAreNoMultiples_AreRoundedDown()
    {
        JsonElement answer = await PostAsync(Text2Img, """{"prompt":"a","steps":2,"width":71,"height":64,"send_images":false}""");

        Assert.That(answer.GetProperty("images").GetArrayLength(), Is.Zero);
        Assert.That((await NewestAsync<Text2ImgRequest>()).Width, Is.EqualTo(64));
        Assert.That(Info(answer).GetProperty("infotexts").GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task Text2Img_WhatIsNotDone_IsTold()
    {
        JsonElement answer = await PostAsync(
            Text2Img,
            """
            {"prompt":"a","steps":2,"width":64,"height":64,"subseed":7,"subseed_strength":0.3,"seed_resize_from_w":128,"tiling":true,
             "restore_faces":true,"eta":0.3,"s_churn":2,"sampler_name":"DPM adaptive","override_settings":{"eta_ddim":1}}
            """
        );

        string[] warnings = Warnings(answer);
        foreach (
            string field in (string[])
                ["subseed_strength", "seed_resize_from_w", "tiling", "restore_faces", "eta", "s_churn", "sampler_name", "override_settings"]
        )
        {
            Assert.That(warnings, Has.Some.StartsWith(field + ":"), field);
        }
    }

    [Test]
    public async Task Text2Img_HiresFix_DrawsTheSmallPictureFirst()
    {
        JsonElement answer = await PostAsync(
            Text2Img,
            """
            {"prompt":"a red apple","steps":4,"width":64,"height":64,"enable_hr":true,"hr_scale":"1.5","hr_upscaler":"Latent",
             "denoising_strength":0.5,"hr_second_pass_steps":6,"hr_prompt":"another"}
            """
        );

        Assert.That(PictureHeader.Read(Picture(answer)), Is.EqualTo(new PictureHeader("image/png", 96, 96)));
        HiresFix fix = (await NewestAsync<Text2ImgRequest>()).HiresFix!;
        Assert.That((fix.Scale, fix.Strength, fix.Steps), Is.EqualTo((1.5, 0.5, 6)));
        Assert.That(Warnings(answer), Has.Some.StartsWith("hr_upscaler:").And.Some.StartsWith("hr_prompt:"));
    }

    [Test]
    public async Task Text2Img_OldHiresFix_HasTheLargeSize()
    {
        await PostAsync(
            Text2Img,
            """
            {"prompt":"a","steps":2,"width":128,"height":128,"enable_hr":true,"firstphase_width":64,"firstphase_height":64,
             "hr_upscaler":"Lanczos","denoising_strength":0.6}
            """
        );

        Text2ImgRequest request = await NewestAsync<Text2ImgRequest>();
        Assert.That((request.Width, request.HiresFix!.Scale, request.HiresFix.Upscaler), Is.EqualTo((128, 2.0, "lanczos")));
    }

    private static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(i => i.GetProperty("name").GetString()!)];
}
