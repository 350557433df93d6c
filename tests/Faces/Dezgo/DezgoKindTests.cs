using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Contracts;
using Generation.Diffusion.Vision;
using Generation.Imaging;
using Generation.Imaging.Codecs;

namespace Generation.Faces.Tests.Dezgo;

/// <summary>The calls that need models of their own, on small random ones: a finished picture and its headers.</summary>
public sealed class DezgoKindTests
{
    private FaceStack _stack = null!;
    private FaceUser _user = null!;
    private HttpClient _client = null!;

    [SetUp]
    public async Task Start()
    {
        _stack = await FaceStack.WithAllKindsAsync();
        _user = await _stack.Api.NewUserAsync(10);
        _client = _stack.Api.Client();
        _client.DefaultRequestHeaders.Add("X-Dezgo-Key", _user.Key);
    }

    [TearDown]
    public void Stop() => _client.Dispose();

    [Test, CancelAfter(240_000)]
    public async Task EditImage_FileInAForm_AnswersWithThePictureAndItsHeaders()
    {
        byte[] picture = TestPictures.Gradient(64, 64);
        using var form = new MultipartFormDataContent
        {
            { new StringContent("make it winter"), "prompt" },
            { new StringContent("blurry"), "negative_prompt" },
            { new StringContent("10"), "steps" },
            { new StringContent("6.5"), "guidance" },
            { new StringContent("1.75"), "image_guidance" },
            { new StringContent("euler_a"), "sampler" },
            { new StringContent("77"), "seed" },
            { new ByteArrayContent(picture), "init_image", "photo.png" },
        };
        using HttpResponseMessage answer = await _client.PostAsync("/faces/dezgo/edit-image", form, FaceStack.Limit());

        (byte[] edited, JobDocument job) = await DoneAsync(answer, "77", ".png");
        Assert.That(PictureHeader.Read(edited), Is.EqualTo(new PictureHeader("image/png", 64, 64)));
        (int inside, int outside) = TestPictures.Differences(picture, edited);
        Assert.That(inside + outside, Is.Positive);
        var request = (EditRequest)job.Request!;
        Assert.That(
            (request.Model, request.Prompt, request.NegativePrompt, request.NumInferenceSteps),
            Is.EqualTo(("edits", "make it winter", "blurry", 10))
        );
        Assert.That(
            (request.GuidanceScale, request.ImageGuidanceScale, request.Scheduler, request.Seed),
            Is.EqualTo((6.5, 1.75, "euler_a", 77L))
        );
        Assert.That(Header(answer, "x-dezgo-job-amount-usd"), Is.EqualTo("0.0006"), "the published price of ten steps");
        Assert.That(await MetaAsync(), Is.EqualTo(("edit-image", "edits", (string?)null)));
        JsonElement inputs = await _client.GetFromJsonAsync<JsonElement>($"/faces/dezgo/account/file?id={job.Id}/input", FaceStack.Limit());
        Assert.That(inputs.GetProperty("image_guidance").GetProperty("Value").GetDouble(), Is.EqualTo(1.75));
    }

    [Test, CancelAfter(240_000)]
    public async Task ControlNet_CannyOfAnyPicture_AnswersWithThePictureAndItsHeaders()
    {
        using HttpResponseMessage answer = await _client.PostAsJsonAsync(
            "/faces/dezgo/controlnet",
            new
            {
                prompt = "a house",
                init_image = Convert.ToBase64String(TestPictures.WhiteMiddle(128, 128)),
                control_model = "canny",
                control_preprocess = "true",
                control_scale = "0.8",
                width = "128",
                height = 128,
                steps = 4,
                guidance = 5,
                sampler = "auto",
                seed = "4294967295",
                format = "jpg",
                lora1 = "",
            },
            FaceStack.Limit()
        );

        (byte[] made, JobDocument job) = await DoneAsync(answer, "4294967295", ".jpg");
        Assert.That(PictureHeader.Read(made), Is.EqualTo(new PictureHeader("image/jpeg", 128, 128)));
        var request = (ControlNetRequest)job.Request!;
        Assert.That(
            (request.Model, request.NumInferenceSteps, request.GuidanceScale, request.Seed),
            Is.EqualTo(("edges", 4, 5.0, 4294967295L))
        );
        ControlUse control = request.Control.Single();
        Assert.That((control.Type, control.Preprocessor, control.Scale), Is.EqualTo(("canny", "canny", 0.8)));
        Assert.That(await MetaAsync(), Is.EqualTo(("controlnet", "edges", "canny")));
    }

    [Test, CancelAfter(240_000)]
    public async Task ControlNet_EdgesThatAreReady_AreTakenAsTheyAre()
    {
        using HttpResponseMessage answer = await _client.PostAsJsonAsync(
            "/faces/dezgo/controlnet",
            new
            {
                prompt = "a house",
                init_image = Convert.ToBase64String(TestPictures.WhiteMiddle(64, 64)),
                control_model = "canny",
                control_preprocess = false,
                width = 64,
                height = 64,
                steps = 2,
                seed = 1,
            },
            FaceStack.Limit()
        );

        (_, JobDocument job) = await DoneAsync(answer, "1", ".png");
        Assert.That(((ControlNetRequest)job.Request!).Control.Single().Preprocessor, Is.EqualTo("none"));
    }

    [Test, CancelAfter(240_000)]
    public async Task TextInpainting_WordsForTheMask_PaintWhatTheNetworkFindsAlone()
    {
        var noise = new Picture(64, 64, 3);
        new Random(5).NextBytes(noise.Bytes);
        using HttpResponseMessage answer = await _client.PostAsJsonAsync(
            "/faces/dezgo/text-inpainting",
            new
            {
                prompt = "a red apple",
                mask_prompt = "a cat",
                init_image = Convert.ToBase64String(PictureCodec.Encode(noise, PictureFormat.Png)),
                steps = 4,
                guidance = 4,
                seed = 5,
            },
            FaceStack.Limit()
        );

        (byte[] made, JobDocument job) = await DoneAsync(answer, "5", ".png");
        var request = (InpaintRequest)job.Request!;
        Assert.That(
            (request.Model, request.MaskPrompt, request.Mask, request.Scheduler, request.NumInferenceSteps),
            Is.EqualTo(("demo", "a cat", (StoredPicture?)null, "dpmpp_2m_karras", 4))
        );
        using var finder = MaskFinder.FromPretrained(Path.Combine(_stack.Models, "mask-finder"));
        Picture mask = finder.Find(noise, "a cat");
        Picture painted = PictureCodec.Decode(made).ToRgb();
        (int changed, int kept, int touched) = (0, 0, 0);
        for (int y = 0; y < 64; y++)
        {
            for (int x = 0; x < 64; x++)
            {
                bool isSame = painted.Pixel(x, y).SequenceEqual(noise.Pixel(x, y));
                _ =
                    mask.Pixel(x, y)[0] == 0
                        ? isSame
                            ? kept++
                            : touched++
                        : isSame
                            ? 0
                            : changed++;
            }
        }

        Assert.That(touched, Is.Zero, "outside");
        Assert.That(changed, Is.Positive, "inside");
        Assert.That(kept, Is.Positive, "the network finds a part of the picture");
        Assert.That(await MetaAsync(), Is.EqualTo(("text-inpainting", "demo", (string?)null)));
        JsonElement inputs = await _client.GetFromJsonAsync<JsonElement>($"/faces/dezgo/account/file?id={job.Id}/input", FaceStack.Limit());
        Assert.That(inputs.GetProperty("mask_prompt").GetProperty("Value").GetString(), Is.EqualTo("a cat"));
    }

    /// <summary>The picture, after all that every answer with one says.</summary>
    private async Task<(byte[] Picture, JobDocument Job)> DoneAsync(HttpResponseMessage answer, string seed, string extension)
    {
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.That(
            answer.StatusCode,
            Is.EqualTo(HttpStatusCode.OK),
            Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 1000)))
        );
        JobDocument job = (await _stack.Api.JobsAsync(_user)).Single();
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo(job.Outputs.Single().ContentType));
        Assert.That(Header(answer, "x-dezgo-auth-userid"), Is.EqualTo(_user.Account.ToString("N")));
        Assert.That(Header(answer, "x-dezgo-job-id"), Is.EqualTo(job.Id.ToString()));
        Assert.That(Header(answer, "x-input-seed"), Is.EqualTo(seed));
        Assert.That(Header(answer, "x-filename"), Does.EndWith(extension));
        Assert.That(Dollars(answer, "x-dezgo-job-amount-usd"), Is.Positive.And.EqualTo(job.Cost.Charged.Value / 1000));
        Assert.That(Dollars(answer, "x-dezgo-balance-credits-usd"), Is.EqualTo(0.01m));
        Assert.That(Dollars(answer, "x-dezgo-balance-debits-usd"), Is.EqualTo(job.Cost.Charged.Value / 1000));
        Assert.That(Dollars(answer, "x-dezgo-balance-total-usd"), Is.EqualTo(0.01m - (job.Cost.Charged.Value / 1000)));
        Assert.That(long.Parse(Header(answer, "x-dezgo-balance-index"), CultureInfo.InvariantCulture), Is.Positive);
        Assert.That(
            await _client.GetByteArrayAsync($"/faces/dezgo/account/file?id={job.Id}/output&offset=0", FaceStack.Limit()),
            Is.EqualTo(bytes)
        );
        return (bytes, job);
    }

    private async Task<(string? Function, string? Model, string? Control)> MetaAsync()
    {
        JsonElement last = await _client.GetFromJsonAsync<JsonElement>("/faces/dezgo/account/tx/last", FaceStack.Limit());
        JsonElement meta = last.GetProperty("meta");
        return (
            meta.GetProperty("job.function").GetString(),
            meta.GetProperty("job.input.model").GetString(),
            meta.TryGetProperty("job.input.control_model", out JsonElement control) ? control.GetString() : null
        );
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();

    private static decimal Dollars(HttpResponseMessage answer, string name) =>
        decimal.Parse(Header(answer, name), CultureInfo.InvariantCulture);
}
