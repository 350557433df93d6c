using System.Net;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Faces.Tests.ModelsLab;

/// <summary>Every kind of work through this face, from a picture that it made itself.</summary>
[TestFixture]
public sealed class ModelsLabKindTests : ModelsLabTests
{
    private string _picture = "";

    [OneTimeSetUp]
    public async Task MakePictureAsync()
    {
        FaceAnswer made = await DoneAsync(
            "/api/v3/text2img",
            new
            {
                key = User.Key,
                prompt = "a red apple",
                width = "256",
                height = "256",
                num_inference_steps = "4",
            }
        );
        _picture = made["output"][0].GetString()!;
    }

    [Test, CancelAfter(240_000)]
    public async Task Img2Img_AddressOfAnOwnOutput_IsTaken()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v3/img2img",
            new
            {
                key = User.Key,
                prompt = "a green apple",
                negative_prompt = "",
                init_image = _picture,
                width = "256",
                height = "256",
                samples = "1",
                num_inference_steps = "6",
                guidance_scale = 4,
                strength = 0.5,
                seed = (int?)null,
            }
        );
        JsonElement meta = answer["meta"];
        Assert.That((meta.GetProperty("init_image").GetString(), meta.GetProperty("strength").GetDouble()), Is.EqualTo((_picture, 0.5)));
        Assert.That(Last<Img2ImgRequest>().Strength, Is.EqualTo(0.5));
    }

    [Test, CancelAfter(240_000)]
    public async Task Img2Img_StrengthOfNothing_RunsOneStep()
    {
        await DoneAsync(
            "/api/v6/images/img2img",
            new
            {
                key = User.Key,
                model_id = "midjourney",
                prompt = "a pear",
                init_image = _picture,
                num_inference_steps = 3,
                strength = 0,
            }
        );
        Assert.That(Last<Img2ImgRequest>().Strength, Is.InRange(1.0 / 3, 0.34));
    }

    [Test, CancelAfter(240_000)]
    public async Task Inpaint_Base64AndDataUri_AreTaken()
    {
        string base64 = Convert.ToBase64String(await Client.GetByteArrayAsync(_picture, FaceStack.Limit()));
        FaceAnswer answer = await DoneAsync(
            "/api/v6/images/inpaint",
            new
            {
                key = User.Key,
                model_id = "midjourney",
                prompt = "a leaf",
                init_image = base64,
                mask_image = "data:image/png;base64," + base64,
                width = 256,
                height = 256,
                num_inference_steps = 4,
                strength = 1,
            }
        );
        Assert.That(answer["output"].GetArrayLength(), Is.EqualTo(1));
        Assert.That(Last<InpaintRequest>().Mask, Is.Not.Null);
    }

    [Test, CancelAfter(240_000)]
    public async Task Inpaint_V4WithItsOwnNameForSteps_IsTaken()
    {
        await DoneAsync(
            "/api/v4/dreambooth/inpaint",
            new
            {
                key = User.Key,
                model_id = "midjourney",
                prompt = "a leaf",
                init_image = _picture,
                mask_image = _picture,
                width = "256",
                height = "256",
                steps = "3",
            }
        );
        Assert.That(Last<InpaintRequest>().NumInferenceSteps, Is.EqualTo(3));
    }

    [Test, CancelAfter(240_000)]
    public async Task Outpaint_V6_HasTheAskedSize()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/image_editing/outpaint",
            new
            {
                key = User.Key,
                image = _picture,
                width = 320,
                height = 256,
                overlap_width = 10,
                num_inference_steps = 3,
                guidance_scale = 4,
                temp = true,
            }
        );
        Assert.That((answer["meta"].GetProperty("W").GetInt32(), answer["meta"].GetProperty("H").GetInt32()), Is.EqualTo((320, 256)));
        OutpaintRequest request = Last<OutpaintRequest>();
        Assert.That((request.Left, request.Right, request.Top, request.Bottom, request.Prompt), Is.EqualTo((32, 32, 0, 0, "high quality")));
    }

    [Test, CancelAfter(240_000)]
    public async Task SuperResolution_V3GivesOneAddress_V6AList()
    {
        FaceAnswer legacy = await DoneAsync(
            "/api/v3/super_resolution",
            new
            {
                key = User.Key,
                url = _picture,
                scale = 2,
                webhook = (string?)null,
                face_enhance = false,
            }
        );
        Assert.That(legacy["output"].ValueKind, Is.EqualTo(JsonValueKind.String));
        Assert.That((await Client.GetAsync(legacy["output"].GetString(), FaceStack.Limit())).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        FaceAnswer now = await DoneAsync(
            "/api/v6/image_editing/super_resolution",
            new
            {
                key = User.Key,
                init_image = Convert.ToBase64String(TestPictures.Gradient(64, 64)),
                model_id = "realesr-general-x4v3",
            }
        );
        Assert.That(now["output"].GetArrayLength(), Is.EqualTo(1));
        Assert.That((Last<SuperResolutionRequest>().Scale, Last<SuperResolutionRequest>().Model), Is.EqualTo((3, "demo-upscaler")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Video_V6_IsAGif()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/video/text2video",
            new
            {
                key = User.Key,
                model_id = "cogvideox",
                prompt = "a ball",
                width = 256,
                height = 256,
                num_frames = 8,
                num_inference_steps = 2,
                guidance_scale = 4,
                fps = 8,
            }
        );
        using HttpResponseMessage clip = await Client.GetAsync(answer["output"][0].GetString(), FaceStack.Limit());
        Assert.That(clip.Content.Headers.ContentType?.MediaType, Is.EqualTo("image/gif"));
        Assert.That(Last<VideoRequest>().NumFrames, Is.EqualTo(8));
    }

    [Test]
    public async Task EditAndControlNet_NoModelDoesIt_IsToldAsAModelThatIsNotThere()
    {
        FaceAnswer edit = await Client.SendAsync(
            "/api/v5/pix2pix",
            new
            {
                key = User.Key,
                init_image = _picture,
                prompt = "make it green",
                image_guidance_scale = 1,
                steps = 3,
                guidance_scale = 4,
            }
        );
        Assert.That(
            (edit.Status, edit.Text("status"), edit.Text("message")),
            Is.EqualTo((HttpStatusCode.OK, "error", "Model id not found"))
        );
        FaceAnswer control = await Client.SendAsync(
            "/api/v6/images/controlnet",
            new
            {
                key = User.Key,
                model_id = "midjourney",
                controlnet_type = "canny",
                control_image = _picture,
                prompt = "a cup",
                auto_hint = "yes",
            }
        );
        Assert.That((control.Status, control.Text("message")), Is.EqualTo((HttpStatusCode.BadRequest, "Model not found: midjourney")));
    }

    [TestCase("/api/v6/images/img2img", "init_image is required")]
    [TestCase("/api/v6/image_editing/outpaint", "image is required")]
    [TestCase("/api/v6/image_editing/super_resolution", "init_image is required")]
    [TestCase("/api/v6/video/img2video", "init_image is required")]
    public async Task Any_WithoutItsPicture_IsTold(string path, string message)
    {
        FaceAnswer answer = await Client.SendAsync(
            path,
            new
            {
                key = User.Key,
                model_id = "",
                prompt = "x",
            }
        );
        Assert.That((answer.Status, answer.Text("message")), Is.EqualTo((HttpStatusCode.BadRequest, message)));
    }

    [Test]
    public async Task Img2Img_AddressThatCannotBeReached_IsTold()
    {
        FaceAnswer answer = await Client.SendAsync(
            "/api/v6/images/img2img",
            new
            {
                key = User.Key,
                prompt = "x",
                init_image = "http://127.0.0.1:1/x.png",
            }
        );
        Assert.That(
            (answer.Status, answer.Text("message")),
            Is.EqualTo((HttpStatusCode.BadRequest, "Unable to fetch image from provided URL"))
        );
    }

    [Test, CancelAfter(240_000)]
    public async Task Upload_EveryForm_GivesAnAddressThatIsTakenAgain()
    {
        byte[] bytes = await Client.GetByteArrayAsync(_picture, FaceStack.Limit());
        string base64 = Convert.ToBase64String(bytes);
        FaceAnswer cropped = await Client.SendAsync(
            "/api/v3/base64_crop",
            new
            {
                key = User.Key,
                image = "data:image/png;base64," + base64,
                crop = "true",
            }
        );
        Assert.That(
            (cropped.Text("status"), cropped.Text("messege"), cropped["request_id"].ValueKind),
            Is.EqualTo(("success", "image uploaded", JsonValueKind.Number))
        );
        Assert.That(await Client.GetByteArrayAsync(cropped.Text("link"), FaceStack.Limit()), Is.EqualTo(bytes));
        using HttpResponseMessage forged = await Client.GetAsync(
            cropped.Text("link").Replace("signature=", "signature=x"),
            FaceStack.Limit()
        );
        Assert.That(forged.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));

        foreach (
            (string path, string field) in ((string, string)[])
                [
                    ("/api/v6/base64_to_url", "base64_string"),
                    ("/api/v6/image_editing/base64_to_url", "init_image"),
                    ("/api/v6/video/base64_to_url", "init_obj"),
                ]
        )
        {
            FaceAnswer sent = await Client.SendAsync(path, new Dictionary<string, string> { ["key"] = User.Key, [field] = base64 });
            Assert.That(
                (sent.Text("status"), sent["output"].GetArrayLength(), sent["id"].ValueKind),
                Is.EqualTo(("success", 1, JsonValueKind.Number))
            );
        }

        await DoneAsync(
            "/api/v3/img2img",
            new
            {
                key = User.Key,
                prompt = "an apple",
                init_image = cropped.Text("link"),
                num_inference_steps = 3,
                strength = 0.4,
            }
        );
        FaceAnswer none = await Client.SendAsync("/api/v6/base64_to_url", new { key = User.Key, base64_string = "bm8gcGljdHVyZQ==" });
        Assert.That((none.Status, none.Text("status")), Is.EqualTo((HttpStatusCode.BadRequest, "error")));
    }

    private T Last<T>()
        where T : JobRequest => Api.JobsAsync(User).GetAwaiter().GetResult().Select(j => j.Request).OfType<T>().First();
}
