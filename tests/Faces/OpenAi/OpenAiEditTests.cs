using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Faces.Tests.OpenAi;

public sealed class OpenAiEditTests : FaceTests
{
    [Test]
    public async Task Edits_JsonWithFileIdAndDataUrl_PaintsWhatIsTransparent()
    {
        byte[] picture = TestPictures.Gradient();
        using var file = new ByteArrayContent(picture) { Headers = { ContentType = new MediaTypeHeaderValue("image/png") } };
        using HttpResponseMessage upload = await Client.PostAsync("/v1/uploads", file, FaceStack.Limit());
        string id = (await upload.Content.ReadFromJsonAsync<JsonElement>(FaceStack.Limit())).GetProperty("id").GetString()!;

        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            "/v1/images/edits",
            new
            {
                model = "gpt-image-1.5",
                prompt = "a green pear",
                images = new[] { new { file_id = id } },
                mask = new { image_url = "data:image/png;base64," + Convert.ToBase64String(TestPictures.Hole()) },
                size = "auto",
                num_inference_steps = 8,
            },
            FaceStack.Limit()
        );

        JsonElement json = await JsonAsync(answer, 200);
        (int inside, int outside) = TestPictures.Differences(
            picture,
            json.GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64()
        );
        Assert.That(outside, Is.Zero);
        Assert.That(inside, Is.GreaterThan(128 * 128 / 2));
        Assert.That(json.GetProperty("size").GetString(), Is.EqualTo("256x256"), "the picture's own");
        Assert.That((await JobAsync(answer)).Kind, Is.EqualTo(JobKind.Inpaint));
    }

    [Test]
    public async Task Edits_Stream_EndsWithThePicture()
    {
        using var form = new MultipartFormDataContent();
        // The mask first: any order is right
        Add(form, "mask", TestPictures.Hole(64, 64));
        form.Add(new StringContent("true"), "stream");
        form.Add(new StringContent("a green pear"), "prompt");
        form.Add(new StringContent("4"), "num_inference_steps");
        Add(form, "image[]", TestPictures.Gradient(64, 64));
        using HttpResponseMessage answer = await Client.PostAsync("/v1/images/edits", form, FaceStack.Limit());

        string stream = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"), stream);
        Assert.That(stream, Does.StartWith("event: image_edit.completed\n"));
    }

    [TestCase("low", 0.75)]
    [TestCase("high", 0.5)]
    public async Task Edits_WithoutAMask_ChangeByInputFidelity(string fidelity, double strength)
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("a green pear"), "prompt" },
            { new StringContent(fidelity), "input_fidelity" },
            { new StringContent("4"), "steps" },
        };
        Add(form, "image", TestPictures.Gradient(64, 64));
        using HttpResponseMessage answer = await Client.PostAsync("/v1/images/edits", form, FaceStack.Limit());

        await JsonAsync(answer, 200);
        Assert.That(((Img2ImgRequest)(await JobAsync(answer)).Request!).Strength, Is.EqualTo(strength));
    }

    [TestCase(0, "missing_required_parameter")]
    [TestCase(2, "invalid_value")]
    public async Task Edits_NoOrSeveralPictures_AreErrorsOfTheImage(int pictures, string code)
    {
        using var form = new MultipartFormDataContent { { new StringContent("a green pear"), "prompt" } };
        for (int i = 0; i < pictures; i++)
        {
            Add(form, "image[]", TestPictures.Gradient(64, 64));
        }

        using HttpResponseMessage answer = await Client.PostAsync("/v1/images/edits", form, FaceStack.Limit());

        JsonElement error = (await JsonAsync(answer, 400)).GetProperty("error");
        Assert.That((error.GetProperty("param").GetString(), error.GetProperty("code").GetString()), Is.EqualTo(("image", code)));
    }

    [Test]
    public async Task Edits_MaskThatMarksNothing_IsTheCallersError()
    {
        using var form = new MultipartFormDataContent { { new StringContent("a green pear"), "prompt" } };
        Add(form, "image", TestPictures.Gradient(64, 64));
        Add(form, "mask", TestPictures.Gradient(64, 64));
        using HttpResponseMessage answer = await Client.PostAsync("/v1/images/edits", form, FaceStack.Limit());

        JsonElement error = (await JsonAsync(answer, 400)).GetProperty("error");
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo("mask"));
        Assert.That(
            (await Api.JobsAsync(User)).Where(j => j.State == JobState.Failed).Select(j => j.Cost.Charged),
            Is.All.EqualTo(Credits.Zero)
        );
    }

    private async Task<JobDocument> JobAsync(HttpResponseMessage answer) =>
        (await Api.JobsAsync(User)).Single(j => j.Id.ToString() == answer.Headers.GetValues("x-job-id").Single());

    private static void Add(MultipartFormDataContent form, string name, byte[] picture) =>
        form.Add(new ByteArrayContent(picture) { Headers = { ContentType = new MediaTypeHeaderValue("image/png") } }, name, "picture.png");
}
