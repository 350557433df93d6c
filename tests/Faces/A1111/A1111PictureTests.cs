using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Inputs;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Png;

namespace Generation.Faces.Tests.A1111;

/// <summary>Calls that begin with a picture: img2img with and without a mask, enlarging, and reading how a picture was made.</summary>
public sealed class A1111PictureTests : A1111Tests
{
    private const string Extras = "/sdapi/v1/extra-single-image";
    private const string PngInfo = "/sdapi/v1/png-info";

    /// <summary>A picture's text as the web UI writes it, with a prompt of two lines and a value in quotes.</summary>
    private const string WebUiText =
        "a tin robot, (shiny:1.2)\non a table\nNegative prompt: rust, dust\nSteps: 24, Sampler: DPM++ 2M, Schedule type: Karras, "
        + "CFG scale: 7.5, Seed: 101, Size: 512x768, Model hash: 0a1b2c3d4e, Model: orchid_v3, Denoising strength: 0.4, "
        + "Lora hashes: \"inkwash: 0123456789ab, tin: ba9876543210\", Version: v1.10.1";

    private static readonly string Gradient = Base64(TestPictures.Gradient(64, 64));

    /// <summary>All fields of Python's webuiapi.</summary>
    [Test]
    public async Task Img2Img_WebUiApisFields_AreTaken()
    {
        JsonElement answer = await PostAsync(
            Img2Img,
            $$"""
            {"init_images":["data:image/png;base64,{{Gradient}}"],"resize_mode":0,"denoising_strength":0.5,"mask_blur":4,
             "inpainting_fill":0,
             "inpaint_full_res":true,"inpaint_full_res_padding":0,"inpainting_mask_invert":0,"initial_noise_multiplier":1,
             "prompt":"a green apple","styles":[],"seed":5,"subseed":-1,"subseed_strength":0,"seed_resize_from_h":0,"seed_resize_from_w":0,
             "batch_size":2,"n_iter":1,"steps":6,"cfg_scale":7.0,"image_cfg_scale":1.5,"width":64,"height":64,"restore_faces":false,
             "tiling":false,"do_not_save_samples":false,"do_not_save_grid":false,"negative_prompt":"","eta":1.0,"s_churn":0,"s_tmax":0,
             "s_tmin":0,"s_noise":1,"override_settings":{},"override_settings_restore_afterwards":true,"sampler_name":"DDIM",
             "scheduler":"automatic","sampler_index":"DDIM","include_init_images":false,"script_name":null,"script_args":[],
             "send_images":true,"save_images":false,"alwayson_scripts":{"ControlNet":{"args":[]} } }
            """
        );

        Img2ImgRequest request = await NewestAsync<Img2ImgRequest>();
        Assert.That(
            (request.Strength, request.NumImages, request.Scheduler, request.Seed, request.NumInferenceSteps),
            Is.EqualTo((0.5, 2, "ddim", 5L, 6))
        );
        Assert.That(answer.GetProperty("images").GetArrayLength(), Is.EqualTo(2));
        Assert.That(Warnings(answer), Is.Empty);
        Assert.That(Info(answer).GetProperty("denoising_strength").GetDouble(), Is.EqualTo(0.5));
        JsonElement echo = answer.GetProperty("parameters");
        Assert.That(
            (echo.GetProperty("init_images").ValueKind, echo.GetProperty("mask").ValueKind),
            Is.EqualTo((JsonValueKind.Null, JsonValueKind.Null))
        );
    }

    [Test]
    public async Task Img2Img_NoStrength_RunsTheLastStep()
    {
        await PostAsync(Img2Img, Body("""{"denoising_strength":0,"steps":8}"""));

        Assert.That((await NewestAsync<Img2ImgRequest>()).Strength, Is.EqualTo(1.0 / 8));
    }

    [Test]
    public async Task Img2Img_TwoPictures_AreOneEach()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        string other = Base64(TestPictures.WhiteMiddle(64, 64));

        JsonElement answer = await PostAsync(
            client,
            Img2Img,
            $$"""
            {"prompt":"a","init_images":["{{Gradient}}","{{other}}"],"batch_size":3,"width":64,"height":64,"steps":4,"seed":9,
             "denoising_strength":0.25}
            """
        );

        Img2ImgRequest[] requests = [.. (await Api.JobsAsync(user)).Select(j => (Img2ImgRequest)j.Request!).OrderBy(r => r.Seed)];
        Assert.That(requests.Select(r => (r.Seed, r.NumImages)), Is.EqualTo(new[] { (9L, 1), (10L, 1) }));
        Assert.That(requests[0].Image.Sha256, Is.Not.EqualTo(requests[1].Image.Sha256));
        Assert.That(answer.GetProperty("images").GetArrayLength(), Is.EqualTo(2));
        await PostAsync(client, Img2Img, $$"""{"prompt":"a","init_images":["{{Gradient}}","{{other}}"]}""", 422);
    }

    [Test]
    public async Task Img2Img_OfAnotherShape_SaysThatItIsCropped()
    {
        string wide = Base64(TestPictures.Gradient(128, 64));

        JsonElement stretched = await PostAsync(Img2Img, Body("{}", wide));
        JsonElement cropped = await PostAsync(Img2Img, Body("""{"resize_mode":1}""", wide));

        Assert.That(Warnings(stretched), Has.Some.StartsWith("resize_mode: Just resize is not done"));
        Assert.That(Warnings(cropped), Is.Empty);
    }

    [TestCase(0, false)]
    [TestCase(1, true)]
    public async Task Img2Img_Mask_PaintsWhatIsWhiteUnlessInverted(int invert, bool isInverted)
    {
        byte[] picture = TestPictures.Gradient(128, 128);
        JsonElement answer = await PostAsync(
            Img2Img,
            $$"""
            {"prompt":"a yellow star","init_images":["{{Base64(picture)}}"],"mask":"{{Base64(TestPictures.WhiteMiddle(128, 128))}}",
             "mask_blur":0,"inpainting_fill":1,"inpaint_full_res":false,"inpainting_mask_invert":{{invert}},"denoising_strength":1,
             "width":128,"height":128,"steps":4,"seed":1}
            """
        );

        (int inside, int outside) = TestPictures.Differences(picture, Picture(answer));
        (int painted, int kept) = isInverted ? (outside, inside) : (inside, outside);
        Assert.That(kept, Is.Zero);
        Assert.That(painted, Is.GreaterThan(1000));
        InpaintRequest request = await NewestAsync<InpaintRequest>();
        Assert.That((request.Padding, request.MaskBlur), Is.EqualTo(((int?)null, 0.0)));
        Assert.That(Warnings(answer), Is.Empty);
    }

    [Test]
    public async Task Img2Img_MaskWithTheApisDefaults_WorksOnTheMaskedPartAlone()
    {
        byte[] picture = TestPictures.Gradient(128, 128);
        JsonElement answer = await PostAsync(
            Img2Img,
            $$"""
            {"prompt":"a yellow star","init_images":["{{Base64(picture)}}"],"mask":"{{Base64(TestPictures.WhiteMiddle(128, 128))}}",
             "inpaint_full_res_padding":"8","width":128,"height":128,"steps":4}
            """
        );

        InpaintRequest request = await NewestAsync<InpaintRequest>();
        Assert.That((request.Padding, request.MaskBlur, request.Strength), Is.EqualTo((8, 4.0, 0.75)));
        Assert.That(Warnings(answer), Has.Some.StartsWith("inpainting_fill: fill is not done"));
        Assert.That(Info(answer).GetProperty("extra_generation_params").GetProperty("Masked area padding").GetInt32(), Is.EqualTo(8));
    }

    [Test]
    public async Task ExtraSingleImage_Upscaler_Enlarges()
    {
        JsonElement answer = await PostAsync(
            Extras,
            $$"""
            {"resize_mode":0,"show_extras_results":true,"gfpgan_visibility":0,"codeformer_visibility":0.5,"codeformer_weight":0,
             "upscaling_resize":2,"upscaling_resize_w":512,"upscaling_resize_h":512,"upscaling_crop":true,"upscaler_1":"demo-upscaler",
             "upscaler_2":"None","extras_upscaler_2_visibility":0,"upscale_first":false,"image":"data:image/png;base64,{{Gradient}}"}
            """
        );

        Assert.That(
            PictureHeader.Read(answer.GetProperty("image").GetBytesFromBase64()),
            Is.EqualTo(new PictureHeader("image/png", 128, 128))
        );
        Assert.That(answer.GetProperty("html_info").GetString(), Does.Contain("codeformer_visibility").And.Not.Contain("gfpgan"));
        Assert.That((await NewestAsync<SuperResolutionRequest>()).Scale, Is.EqualTo(2));
    }

    [Test]
    public async Task ExtraSingleImage_ToASize_IsTheFactorThatLeadsToIt()
    {
        string body = $$"""
            {"resize_mode":1,"upscaling_resize_w":"192","upscaling_resize_h":"192","upscaler_1":"R-ESRGAN 4x+","image":"{{Gradient}}"}
            """;

        await PostAsync(Extras, body);
        Assert.That((await NewestAsync<SuperResolutionRequest>()).Scale, Is.EqualTo(3));
        await PostAsync(Extras, body.Replace("192", "200", StringComparison.Ordinal), 422);
        await PostAsync(Extras, $$"""{"upscaling_resize":1.5,"upscaler_1":"demo-upscaler","image":"{{Gradient}}"}""", 422);
    }

    [Test]
    public async Task ExtraSingleImage_WithoutAnUpscaler_GivesThePictureBackAtNoCost()
    {
        FaceUser user = await Api.NewUserAsync(0);
        using HttpClient client = ClientOf(user);

        JsonElement answer = await PostAsync(client, Extras, $$"""{"image":"{{Gradient}}","upscaler_1":"None"}""");

        Assert.That(answer.GetProperty("image").GetString(), Is.EqualTo(Gradient));
        Assert.That(await Api.JobsAsync(user), Is.Empty);
    }

    [Test]
    public async Task ExtraBatchImages_Pictures_AreEnlargedInTheirOrder()
    {
        string other = Base64(TestPictures.Gradient(64, 96));
        JsonElement answer = await PostAsync(
            "/sdapi/v1/extra-batch-images",
            $$"""
            {"upscaling_resize":2,"upscaler_1":"demo-upscaler",
             "imageList":[{"data":"data:image/png;base64,{{Gradient}}","name":"image00001"},{"data":"{{other}}","name":"image00002"}]}
            """
        );

        Assert.That(
            answer.GetProperty("images").EnumerateArray().Select(i => PictureHeader.Read(i.GetBytesFromBase64())),
            Is.EqualTo(new[] { new PictureHeader("image/png", 128, 128), new PictureHeader("image/png", 128, 192) })
        );
    }

    [Test]
    public async Task PngInfo_OfAPictureOfOurs_SaysHowItWasMade()
    {
        JsonElement made = await PostAsync(
            Text2Img,
            """
            {"prompt":"a red apple, a table","negative_prompt":"dark: blurry","steps":3,"width":64,"height":64,"seed":42,
             "sampler_name":"DPM++ 2M Karras"}
            """
        );

        JsonElement info = await PostAsync(PngInfo, new { image = "data:image/png;base64," + Base64(Picture(made)) });

        Assert.That(info.GetProperty("info").GetString(), Is.EqualTo(Info(made).GetProperty("infotexts")[0].GetString()));
        JsonElement parameters = info.GetProperty("parameters");
        Assert.That(
            ((string[])["Prompt", "Negative prompt", "Steps", "Sampler", "Schedule type", "Seed", "Size-1", "Size-2", "Model"]).Select(
                name => parameters.GetProperty(name).GetString()
            ),
            Is.EqualTo(new[] { "a red apple, a table", "dark: blurry", "3", "DPM++ 2M", "Karras", "42", "64", "64", "demo" })
        );
    }

    [TestCase("png")]
    [TestCase("jpeg")]
    [TestCase("webp")]
    public async Task PngInfo_OfAPictureOfTheWebUi_SaysHowItWasMade(string format)
    {
        byte[] file = format switch
        {
            "png" => PngCodec.Encode(new Picture(8, 8, 3), [new PngText("parameters", WebUiText), new PngText("Software", "x")]),
            "jpeg" => WithComment(PictureCodec.Encode(new Picture(8, 8, 3), PictureFormat.Jpeg)),
            _ => PictureCodec.Encode(new Picture(8, 8, 3), PictureFormat.WebP, parameters: WebUiText),
        };

        JsonElement info = await PostAsync(PngInfo, new { image = Base64(file) });

        Assert.That(info.GetProperty("info").GetString(), Is.EqualTo(WebUiText));
        Assert.That(
            info.GetProperty("items").EnumerateObject().Select(p => p.Name),
            Is.EqualTo(format == "png" ? ["Software"] : Array.Empty<string>())
        );
        JsonElement parameters = info.GetProperty("parameters");
        Assert.That(
            (
                (string[])
                    [
                        "Prompt",
                        "Negative prompt",
                        "Steps",
                        "Sampler",
                        "Schedule type",
                        "CFG scale",
                        "Seed",
                        "Size-2",
                        "Lora hashes",
                        "Version",
                    ]
            ).Select(name => parameters.GetProperty(name).GetString()),
            Is.EqualTo(
                new[]
                {
                    "a tin robot, (shiny:1.2)\non a table",
                    "rust, dust",
                    "24",
                    "DPM++ 2M",
                    "Karras",
                    "7.5",
                    "101",
                    "768",
                    "inkwash: 0123456789ab, tin: ba9876543210",
                    "v1.10.1",
                }
            )
        );
    }

    [Test]
    public async Task PngInfo_OfAPictureWithoutText_IsEmpty()
    {
        JsonElement info = await PostAsync(PngInfo, new { image = Gradient });

        Assert.That(info.GetRawText(), Is.EqualTo("""{"info":"","items":{},"parameters":{}}"""));
    }

    /// <summary>A body with a small picture, few steps, and more fields.</summary>
    private static string Body(string more, string? image = null) =>
        new JsonObject(
            JsonNode
                .Parse($$"""{"prompt":"a","init_images":["{{image ?? Gradient}}"],"width":64,"height":64,"steps":4}""")!
                .AsObject()
                .Concat(JsonNode.Parse(more)!.AsObject())
                .GroupBy(field => field.Key)
                .Select(field => KeyValuePair.Create(field.Key, field.Last().Value?.DeepClone()))
        ).ToJsonString();

    /// <summary>A JPEG with the comment as the web UI's library writes it: the higher byte of each character first.</summary>
    private static byte[] WithComment(byte[] jpeg)
    {
        byte[] comment = [.. "UNICODE\0"u8, .. Encoding.BigEndianUnicode.GetBytes(WebUiText)];
        using var tiff = new MemoryStream();
        tiff.Write("MM\0*"u8);
        Write(tiff, 8, 4);
        Directory(tiff, 0x8769, type: 4, count: 1, value: 26);
        Directory(tiff, 0x9286, type: 7, (uint)comment.Length, value: 44);
        tiff.Write(comment);
        byte[] content = [.. "Exif\0\0"u8, .. tiff.ToArray()];
        byte[] segment = [0xFF, 0xE1, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content];
        return [.. jpeg[..2], .. segment, .. jpeg[2..]];

        static void Directory(Stream to, uint tag, uint type, uint count, uint value)
        {
            Write(to, 1, 2);
            Write(to, tag, 2);
            Write(to, type, 2);
            Write(to, count, 4);
            Write(to, value, 4);
            Write(to, 0, 4);
        }

        static void Write(Stream to, uint value, int bytes)
        {
            Span<byte> all = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(all, value);
            to.Write(all[(4 - bytes)..]);
        }
    }
}
