using System.Net;
using System.Text.Json;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;

namespace Generation.Faces.Tests.ModelsLab;

/// <summary>The calls that need models of their own, on small random ones: answers field by field.</summary>
[TestFixture]
public sealed class ModelsLabModelTests : ModelsLabTests
{
    private string _picture = "";

    private protected override Task<FaceStack> StackAsync() => FaceStack.WithAllKindsAsync();

    [OneTimeSetUp]
    public async Task SendPictureAsync()
    {
        FaceAnswer sent = await Client.SendAsync(
            "/api/v3/base64_crop",
            new
            {
                key = User.Key,
                image = Convert.ToBase64String(TestPictures.Gradient()),
                crop = "false",
            }
        );
        _picture = sent.Text("link");
    }

    [Test, CancelAfter(240_000)]
    public async Task Pix2Pix_V5_GivesOneAddress()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v5/pix2pix",
            new
            {
                key = User.Key,
                init_image = _picture,
                prompt = "make it winter",
                negative_prompt = "blurry",
                image_guidance_scale = 1.5,
                steps = 4,
                guidance_scale = 5,
                scheduler = "DDIMScheduler",
                enhance_prompt = "no",
                seed = 9,
                webhook = (string?)null,
                track_id = (string?)null,
            }
        );
        Assert.That(answer["output"].ValueKind, Is.EqualTo(JsonValueKind.String));
        JobDocument job = await CheckAsync(answer, answer.Text("output"));
        var request = (EditRequest)job.Request!;
        Assert.That(
            (request.Model, request.NumInferenceSteps, request.GuidanceScale, request.ImageGuidanceScale, request.Seed),
            Is.EqualTo(("edits", 4, 5.0, 1.5, 9L))
        );
        JsonElement meta = answer["meta"];
        Assert.That(
            (
                meta.GetProperty("init_image").GetString(),
                meta.GetProperty("image_guidance_scale").GetDouble(),
                meta.GetProperty("model").GetString()
            ),
            Is.EqualTo((_picture, 1.5, "edits"))
        );
        Assert.That(
            (
                meta.GetProperty("prompt").GetString(),
                meta.GetProperty("negative_prompt").GetString(),
                meta.GetProperty("steps").GetInt32(),
                meta.GetProperty("seed").GetInt64()
            ),
            Is.EqualTo(("make it winter", "blurry", 4, 9L))
        );
        Assert.That(
            (meta.GetProperty("scheduler").GetString(), meta.GetProperty("W").GetInt32(), meta.GetProperty("H").GetInt32()),
            Is.EqualTo(("DDIMScheduler", 256, 256))
        );
        byte[] edited = await Client.GetByteArrayAsync(answer.Text("output"), FaceStack.Limit());
        (int inside, int outside) = TestPictures.Differences(TestPictures.Gradient(), edited);
        Assert.That(inside + outside, Is.Positive);
    }

    [Test, CancelAfter(240_000)]
    public async Task ControlNet_V6_HasAListOfPictures()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/images/controlnet",
            new
            {
                key = User.Key,
                model_id = "midjourney",
                controlnet_model = "canny",
                controlnet_type = "canny",
                auto_hint = "yes",
                guess_mode = "no",
                prompt = "a cup",
                negative_prompt = (string?)null,
                init_image = _picture,
                control_image = _picture,
                mask_image = (string?)null,
                width = "256",
                height = "256",
                samples = "2",
                scheduler = "UniPCMultistepScheduler",
                num_inference_steps = "3",
                safety_checker = "no",
                guidance_scale = 4,
                controlnet_conditioning_scale = 0.7,
                lora_model = (string?)null,
                seed = 12,
            }
        );
        Assert.That(answer["output"].GetArrayLength(), Is.EqualTo(2));
        JobDocument job = await CheckAsync(answer, [.. answer["output"].EnumerateArray().Select(o => o.GetString()!)]);
        var request = (ControlNetRequest)job.Request!;
        ControlUse control = request.Control.Single();
        Assert.That(
            (request.Model, request.NumImages, request.Scheduler, request.Seed, request.GuessMode),
            Is.EqualTo(("edges", 2, "unipc", 12L, false))
        );
        Assert.That((control.Type, control.Preprocessor, control.Scale), Is.EqualTo(("canny", "canny", 0.7)));
        JsonElement meta = answer["meta"];
        Assert.That(
            (
                meta.GetProperty("controlnet_type").GetString(),
                meta.GetProperty("controlnet_model").GetString(),
                meta.GetProperty("controlnet_conditioning_scale").GetString()
            ),
            Is.EqualTo(("canny", "canny", "0.7"))
        );
        Assert.That(
            (
                meta.GetProperty("auto_hint").GetString(),
                meta.GetProperty("guess_mode").GetString(),
                meta.GetProperty("init_image").GetString()
            ),
            Is.EqualTo(("yes", "no", _picture))
        );
        Assert.That(
            (meta.GetProperty("model").GetString(), meta.GetProperty("model_id").GetString(), meta.GetProperty("n_samples").GetInt32()),
            Is.EqualTo(("edges", "midjourney", 2))
        );
        Assert.That(
            (meta.GetProperty("W").GetInt32(), meta.GetProperty("H").GetInt32(), meta.GetProperty("steps").GetInt32()),
            Is.EqualTo((256, 256, 3))
        );
    }

    [TestCase("svd"), TestCase(null), CancelAfter(240_000)]
    public async Task Img2Video_V6_IsAClipOfThePicture(string? model)
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/video/img2video",
            new
            {
                key = User.Key,
                model_id = model,
                init_image = _picture,
                width = 64,
                height = 64,
                num_frames = 4,
                num_inference_steps = 2,
                min_guidance_scale = 1,
                max_guidance_scale = 3,
                motion_bucket_id = 100,
                noise_aug_strength = 0.05,
                fps = 6,
                output_type = "gif",
                seed = 2,
            }
        );
        JobDocument job = await CheckAsync(answer, [.. answer["output"].EnumerateArray().Select(o => o.GetString()!)]);
        var request = (VideoRequest)job.Request!;
        Assert.That(
            (request.Model, request.NumFrames, request.Fps, request.MotionBucketId, request.NoiseAugStrength),
            Is.EqualTo(("svd", 4, 6.0, 100, 0.05))
        );
        Assert.That((job.Outputs.Single().ContentType, job.Outputs.Single().Frames), Is.EqualTo(("image/gif", (int?)4)));
        JsonElement meta = answer["meta"];
        Assert.That(
            (meta.GetProperty("init_image").GetString(), meta.GetProperty("num_frames").GetInt32(), meta.GetProperty("fps").GetDouble()),
            Is.EqualTo((_picture, 4, 6.0))
        );
        Assert.That(
            (
                meta.GetProperty("output_type").GetString(),
                meta.GetProperty("W").GetInt32(),
                meta.GetProperty("H").GetInt32(),
                meta.GetProperty("model").GetString()
            ),
            Is.EqualTo(("gif", 64, 64, "svd"))
        );
    }

    [Test, CancelAfter(240_000)]
    public async Task Img2Video_V3WithItsOwnDefaults_IsAnMp4()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v3/img2video",
            new
            {
                key = User.Key,
                init_image = _picture,
                width = 64,
                height = 64,
                num_frames = 2,
                num_inference_steps = 1,
            }
        );
        using HttpResponseMessage clip = await Client.GetAsync(answer["output"][0].GetString(), FaceStack.Limit());
        Assert.That(clip.Content.Headers.ContentType?.MediaType, Is.EqualTo("video/mp4"));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Video_BesideAModelOfPictures_IsDrawnFromWords()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/video/text2video",
            new
            {
                key = User.Key,
                prompt = "a ball",
                width = 64,
                height = 64,
                num_frames = 2,
                num_inference_steps = 1,
            }
        );
        Assert.That(answer["meta"].GetProperty("model").GetString(), Is.EqualTo("demo"));
    }

    // Of the models with a checker the first by name looks: one for which every picture is above the threshold
    [TestCase(true), TestCase(false), CancelAfter(240_000)]
    public async Task NsfwCheck_AddressOrBase64_IsAnsweredWithAVerdict(bool isAddress)
    {
        FaceUser user = await Api.NewUserAsync();
        FaceAnswer answer = await Client.SendAsync(
            "/api/v3/nsfw_image_check",
            new { key = user.Key, init_image = isAddress ? await UploadAsync(user) : Convert.ToBase64String(TestPictures.Gradient(64, 64)) }
        );

        Assert.That((answer.Status, answer.Text("status")), Is.EqualTo((HttpStatusCode.OK, "success")), answer.Json.ToString());
        Assert.That(answer.Json.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "status", "images", "has_nsfw_concept" }));
        Assert.That(answer.Text("images"), isAddress ? Does.StartWith("http") : Is.Empty);
        Assert.That(answer["has_nsfw_concept"].EnumerateArray().Select(v => v.GetBoolean()), Is.EqualTo(new[] { true }));
        JobDocument job = (await Api.JobsAsync(user)).Single();
        Assert.That(
            (job.Kind, job.Model, job.State, job.OutputsDeletedAt is null),
            Is.EqualTo((JobKind.Img2Img, "chaste", JobState.Succeeded, false)),
            "nothing of the look stays"
        );
    }

    [TestCase("chaste", true), TestCase("lenient", false), CancelAfter(240_000)]
    public async Task Text2Img_WithSafetyChecker_TellsAndCovers(string model, bool isFlagged)
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/images/text2img",
            new
            {
                key = User.Key,
                model_id = model,
                prompt = "a red apple",
                width = 256,
                height = 256,
                num_inference_steps = 3,
                safety_checker = "yes",
                safety_checker_type = "black",
                seed = 3,
            }
        );
        Assert.That(answer["nsfw_content_detected"].GetBoolean(), Is.EqualTo(isFlagged));
        Assert.That(answer["meta"].GetProperty("safety_checker").GetString(), Is.EqualTo("yes"));
        Picture picture = PictureCodec.Decode(await Client.GetByteArrayAsync(answer["output"][0].GetString(), FaceStack.Limit()));
        Assert.That(picture.Bytes.All(b => b == 0), Is.EqualTo(isFlagged));
    }

    private async Task<string> UploadAsync(FaceUser user) =>
        (
            await Client.SendAsync(
                "/api/v3/base64_crop",
                new { key = user.Key, image = Convert.ToBase64String(TestPictures.Gradient(64, 64)) }
            )
        ).Text("link");

    /// <summary>What every answer with results says: fields as documented, addresses that answer.</summary>
    private async Task<JobDocument> CheckAsync(FaceAnswer answer, params string[] outputs)
    {
        Assert.That(answer["id"].ValueKind, Is.EqualTo(JsonValueKind.Number));
        Assert.That(
            (answer.Text("tip"), answer.Text("webhook_status"), answer["nsfw_content_detected"].GetBoolean()),
            Is.EqualTo(("", "", false))
        );
        Assert.That(answer["generationTime"].GetDouble(), Is.Positive);
        Assert.That(answer["proxy_links"].EnumerateArray().Select(o => o.GetString()), Is.EqualTo(outputs));
        foreach (string output in outputs)
        {
            using HttpResponseMessage file = await Client.GetAsync(output, FaceStack.Limit());
            Assert.That(file.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }

        // Its address names the job
        JobDocument job = (await Api.JobsAsync(User)).Single(j => outputs[0].Contains(j.Id.ToString(), StringComparison.Ordinal));
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded));
        return job;
    }
}
