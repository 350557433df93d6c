using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Contracts;

namespace Generation.Faces.Tests.Dezgo;

public sealed class DezgoCallTests : DezgoTests
{
    [Test]
    public async Task Text2Image_Json_AnswersWithThePictureAndItsHeaders()
    {
        // As the official sample sends it, with numbers as strings here and there
        FaceUser user = await Api.NewUserAsync(10);
        using HttpClient client = ClientOf(user);
        using HttpResponseMessage answer = await client.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new
            {
                prompt = "a red apple",
                negative_prompt = "blurry",
                model = "dreamshaper_8",
                width = "512",
                height = 512,
                steps = 30,
                guidance = "7.5",
                sampler = "k_lms",
                seed = "4294967295",
                upscale = "1",
                lora1 = "",
                lora2 = "",
                style = "none",
            },
            FaceStack.Limit()
        );

        byte[] picture = await PictureAsync(answer);
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(PictureHeader.Read(picture), Is.EqualTo(new PictureHeader("image/png", 512, 512)));
        Assert.That(Header(answer, "x-dezgo-auth-userid"), Is.EqualTo(user.Account.ToString("N")));
        Assert.That(Header(answer, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0019"));
        Assert.That(Header(answer, "x-dezgo-balance-credits-usd"), Is.EqualTo("0.0100"));
        Assert.That(Header(answer, "x-dezgo-balance-debits-usd"), Is.EqualTo("0.0019"));
        Assert.That(Header(answer, "x-dezgo-balance-total-usd"), Is.EqualTo("0.0081"));
        Assert.That(long.Parse(Header(answer, "x-dezgo-balance-index")), Is.Positive);
        Assert.That(Header(answer, "x-input-seed"), Is.EqualTo("4294967295"));
        Assert.That(Header(answer, "x-filename"), Does.EndWith(".png"));
        JobDocument job = (await Api.JobsAsync(user)).Single();
        Assert.That(Header(answer, "x-dezgo-job-id"), Is.EqualTo(job.Id.ToString()));
        Assert.That(job.Cost.Charged, Is.EqualTo(Credits.Of(1.9m)));
        var request = (Text2ImgRequest)job.Request!;
        Assert.That(
            (request.Model, request.Scheduler, request.NumInferenceSteps, request.GuidanceScale, request.NegativePrompt, request.Seed),
            Is.EqualTo(("demo", "lms", 30, 7.5, "blurry", 4294967295L))
        );

        JsonElement last = await client.GetFromJsonAsync<JsonElement>("/faces/dezgo/account/tx/last", FaceStack.Limit());
        Assert.That(
            (last.GetProperty("type").GetString(), last.GetProperty("amount").GetDecimal(), last.GetProperty("balance").GetDecimal()),
            Is.EqualTo(("job", -0.0019m, 0.0081m))
        );
        Assert.That(
            (last.GetProperty("credits").GetDecimal(), last.GetProperty("debits").GetDecimal(), last.GetProperty("userId").GetString()),
            Is.EqualTo((0.01m, 0.0019m, user.Account.ToString("N")))
        );
        Assert.That(last.GetProperty("index").GetInt64(), Is.EqualTo(long.Parse(Header(answer, "x-dezgo-balance-index"))));
        Assert.That(last.GetProperty("meta").GetProperty("job.function").GetString(), Is.EqualTo("text2image"));
        Assert.That(
            DateTimeOffset.Parse(last.GetProperty("time").GetString()!, CultureInfo.InvariantCulture),
            Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(5))
        );

        byte[] stored = await client.GetByteArrayAsync($"/faces/dezgo/account/file?id={job.Id}/output&offset=0", FaceStack.Limit());
        Assert.That(stored, Is.EqualTo(picture));
        JsonElement inputs = await client.GetFromJsonAsync<JsonElement>($"/faces/dezgo/account/file?id={job.Id}/input", FaceStack.Limit());
        Assert.That(
            (inputs.GetProperty("prompt").GetProperty("Value").GetString(), inputs.GetProperty("steps").GetProperty("Value").GetInt32()),
            Is.EqualTo(("a red apple", 30))
        );
    }

    [Test]
    public async Task Text2Image_RapidApiForm_HasItsHeaders()
    {
        using HttpClient client = Api.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/text2image")
        {
            Content = new StringContent(
                "prompt=a+red+apple&steps=10&width=320&height=320&seed=&model=",
                Encoding.UTF8,
                "application/x-www-form-urlencoded"
            ),
        };
        request.Headers.Add("X-RapidAPI-Key", User.Key);
        request.Headers.Add("X-RapidAPI-Host", "dezgo.p.rapidapi.com");
        request.Headers.Accept.ParseAdd("image/*");
        using HttpResponseMessage answer = await client.SendAsync(request, FaceStack.Limit());

        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/png", 320, 320)));
        Assert.That(Header(answer, "x-credits-cost"), Is.EqualTo("6"));
        long limit = long.Parse(Header(answer, "x-ratelimit-credits-limit"));
        Assert.That(limit, Is.EqualTo(10_000), "a dollar");
        Assert.That(long.Parse(Header(answer, "x-ratelimit-credits-remaining")), Is.Positive.And.LessThan(limit));
        Assert.That(long.Parse(Header(answer, "x-ratelimit-credits-reset")), Is.InRange(0, 31 * 24 * 3600));
    }

    [Test]
    public async Task Text2Image_ByHostInMultipartWithoutFiles_IsUnderstood()
    {
        using var form = new MultipartFormDataContent();
        foreach (
            (string name, string value) in new[]
            {
                ("prompt", "a red apple"),
                ("steps", "10"),
                ("format", "jpg"),
                ("width", "320"),
                ("height", "320"),
                ("seed", "7"),
                ("lora1", ""),
            }
        )
        {
            form.Add(new StringContent(value), name);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/text2image") { Content = form };
        request.Headers.Host = "api.dezgo.com";
        using HttpResponseMessage answer = await Client.SendAsync(request, FaceStack.Limit());

        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/jpeg", 320, 320)));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/jpeg"));
        Assert.That(Header(answer, "x-input-seed"), Is.EqualTo("7"));
    }

    [Test]
    public async Task Text2Image_UpscaledTwice_CostsBothAndIsTwiceAsLarge()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using HttpResponseMessage answer = await client.PostAsJsonAsync(
            "/faces/dezgo/text2image_sdxl",
            new
            {
                prompt = "a red apple",
                width = 96,
                height = 64,
                steps = 10,
                upscale = 2,
            },
            FaceStack.Limit()
        );

        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/png", 192, 128)));
        IReadOnlyList<JobDocument> jobs = await Api.JobsAsync(user);
        Assert.That(jobs.Select(j => j.Kind), Is.EquivalentTo(new[] { JobKind.Text2Img, JobKind.SuperResolution }));
        Assert.That(
            jobs.Single(j => j.Kind == JobKind.SuperResolution).Cost.Charged,
            Is.EqualTo(Credits.Of(0.5m)),
            "the least for enlarging, 5 of that service's credits"
        );
        Assert.That(
            decimal.Parse(Header(answer, "x-dezgo-job-amount-usd"), CultureInfo.InvariantCulture),
            Is.EqualTo(jobs.Sum(j => j.Cost.Charged.Value) / 1000)
        );
    }

    [Test]
    public async Task Upscale_PictureAsBase64OrFile_IsTwiceAsLarge()
    {
        byte[] picture = TestPictures.Gradient(96, 64);
        using HttpResponseMessage json = await Client.PostAsJsonAsync(
            "/faces/dezgo/upscale",
            new { image = Convert.ToBase64String(picture) },
            FaceStack.Limit()
        );
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(picture), "image", "a.png" },
            { new StringContent("webp"), "format" },
        };
        using HttpResponseMessage multipart = await Client.PostAsync("/faces/dezgo/upscale", form, FaceStack.Limit());

        Assert.That(PictureHeader.Read(await PictureAsync(json)), Is.EqualTo(new PictureHeader("image/png", 192, 128)));
        Assert.That(PictureHeader.Read(await PictureAsync(multipart)), Is.EqualTo(new PictureHeader("image/webp", 192, 128)));
        Assert.That(Header(json, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0005"));
    }

    [Test]
    public async Task Image2Image_FileInAForm_ChangesThePicture()
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("a green pear"), "prompt" },
            { new StringContent("0.5"), "strength" },
            { new StringContent("20"), "steps" },
        };
        form.Add(new ByteArrayContent(TestPictures.Gradient(320, 320)), "init_image", "photo.png");
        using HttpResponseMessage answer = await Client.PostAsync("/faces/dezgo/image2image", form, FaceStack.Limit());

        (int inside, int outside) = TestPictures.Differences(TestPictures.Gradient(320, 320), await PictureAsync(answer));
        Assert.That(inside + outside, Is.GreaterThan(320 * 320 / 2));
        Assert.That(Header(answer, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0013"), "0.66242 credits a step, 20 steps");
    }

    [Test]
    public async Task Inpainting_WhiteInTheMask_IsPainted()
    {
        byte[] picture = TestPictures.Gradient(320, 320);
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            "/faces/dezgo/inpainting",
            new
            {
                prompt = "a green pear",
                init_image = Convert.ToBase64String(picture),
                mask_image = Convert.ToBase64String(TestPictures.WhiteMiddle(320, 320)),
                steps = 10,
            },
            FaceStack.Limit()
        );

        (int inside, int outside) = TestPictures.Differences(picture, await PictureAsync(answer));
        Assert.That(outside, Is.Zero);
        Assert.That(inside, Is.GreaterThan(160 * 160 / 2));
    }

    [Test]
    public async Task Text2Video_Prompt_IsAClip()
    {
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            "/faces/dezgo/text2video",
            new
            {
                prompt = "a red apple",
                steps = 4,
                width = 64,
                height = 64,
                num_frames = 4,
                format = "gif",
            },
            FaceStack.Limit()
        );

        byte[] clip = await PictureAsync(answer);
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/gif"));
        Assert.That(Encoding.ASCII.GetString(clip, 0, 4), Is.EqualTo("GIF8"));
    }

    [TestCase("text2image_sdxl")]
    [TestCase("text2image_sdxl_lightning")]
    [TestCase("text2image_flux")]
    public async Task Text2Image_OtherFunctions_AreTextToPicturesOfTheModelThatIsThere(string function)
    {
        using HttpResponseMessage answer = await PostAsync(function, """{"prompt":"a red apple","width":512,"height":512,"steps":2}""");
        Assert.That(PictureHeader.Read(await PictureAsync(answer)), Is.EqualTo(new PictureHeader("image/png", 512, 512)));
        JobDocument job = (await Api.JobsAsync(User)).Single(j => j.Id.ToString() == Header(answer, "x-dezgo-job-id"));
        Assert.That(
            decimal.Parse(Header(answer, "x-dezgo-job-amount-usd"), CultureInfo.InvariantCulture),
            Is.EqualTo(job.Cost.Charged.Value / 1000),
            "the system's own price: none is published"
        );
    }
}
