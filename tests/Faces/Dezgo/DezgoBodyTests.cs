using System.Text;
using System.Text.Json;
using Generation.Api.Faces.Dezgo;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Faces.Tests.Shared;
using Generation.TestSupport;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Generation.Faces.Tests.Dezgo;

/// <summary>Calls whose models do not travel with the system: what they ask of it.</summary>
public sealed class DezgoBodyTests
{
    private const string Picture = "aGVsbG8=";

    private static readonly ModelEntry Demo = JsonSerializer.Deserialize<ModelEntry>(
        File.ReadAllText(TestModels.Embedded("demo.json")),
        WireJson.Options
    )!;

    [Test]
    public async Task EditImage_EveryField_IsMapped()
    {
        EditBody body = (
            await BodiesAsync(
                "edit-image",
                $$"""
                {"prompt":"make it blue","init_image":"{{Picture}}","image_guidance":"1.7","guidance":8,"steps":25,"sampler":"euler_a"}
                """
            )
        ).EditImage();

        Assert.That(
            (body.Prompt, body.ImageGuidanceScale, body.GuidanceScale, body.NumInferenceSteps, body.Scheduler, body.Image),
            Is.EqualTo(("make it blue", 1.7, 8d, 25, "euler_a", PictureSource.Of(Picture)))
        );
        Assert.That(body.Model, Is.Null);
    }

    [Test]
    public async Task TextInpainting_MaskPrompt_IsMapped()
    {
        InpaintBody body = (
            await BodiesAsync("text-inpainting", $$"""{"prompt":"a pear","mask_prompt":"the apple","init_image":"{{Picture}}"}""")
        ).TextInpainting();

        Assert.That(
            (body.MaskPrompt, body.Mask, body.NumInferenceSteps, body.GuidanceScale),
            Is.EqualTo(("the apple", (PictureSource?)null, 30, 7d))
        );
    }

    [TestCase("openpose_full", null, "openpose", null)]
    [TestCase("canny", null, "canny", "canny")]
    [TestCase("canny", "false", "canny", null)]
    [TestCase("something_else", "no", "something_else", null)]
    public async Task ControlNet_ControlModel_IsMapped(string model, string? preprocess, string type, string? preprocessor)
    {
        string flag = preprocess is null ? "" : $",\"control_preprocess\":\"{preprocess}\"";
        ControlBody control = (
            await BodiesAsync(
                "controlnet",
                $$"""{"prompt":"a","init_image":"{{Picture}}","control_model":"{{model}}","control_scale":"0.8"{{flag}}}"""
            )
        )
            .ControlNet()
            .Control!.Single();

        Assert.That(
            (control.Type, control.Preprocessor, control.Scale, control.Image),
            Is.EqualTo((type, preprocessor, 0.8, PictureSource.Of(Picture)))
        );
    }

    [Test]
    public async Task Text2ImageSdxl_LorasAndRefiner_AreMapped()
    {
        Text2ImgBody body = (
            await BodiesAsync(
                "text2image_sdxl",
                """{"prompt":"a","lora1":"abc","lora2":"def","lora2_strength":"1.2","refiner":"yes","sampler":"auto"}"""
            )
        ).Text2Image();

        Assert.That(body.Loras!.Select(l => (l.Model, l.Scale)), Is.EqualTo(new[] { ("mapped", 0.7), ("def", 1.2) }));
        Assert.That((body.Refiner is not null, body.Scheduler), Is.EqualTo((true, (string?)null)));
    }

    [Test]
    public async Task Defaults_AreEachCallsOwn()
    {
        Text2ImgBody sd = (await BodiesAsync("text2image", """{"prompt":"a"}""")).Text2Image();
        Text2ImgBody flux = (await BodiesAsync("text2image_flux", """{"prompt":"a"}""")).Text2Image();
        Img2ImgBody picture = (await BodiesAsync("image2image", $$"""{"prompt":"a","init_image":"{{Picture}}"}""")).Image2Image();

        Assert.That((sd.NumInferenceSteps, sd.GuidanceScale, sd.Scheduler), Is.EqualTo((30, 7d, "dpmpp_2m_karras")));
        Assert.That((flux.NumInferenceSteps, flux.GuidanceScale, flux.Scheduler), Is.EqualTo((4, (double?)null, (string?)null)));
        Assert.That(picture.Strength, Is.EqualTo(0.8));
    }

    private static async Task<DezgoBodies> BodiesAsync(string function, string json)
    {
        DezgoTable table = FaceTable.Read<DezgoTable>("Dezgo", new ConfigurationManager { ["Faces:Dezgo:Loras:abc"] = "mapped" });
        var http = new DefaultHttpContext { RequestServices = FaceBodyTests.Services };
        byte[] content = Encoding.UTF8.GetBytes(json);
        http.Request.Body = new MemoryStream(content);
        http.Request.ContentLength = content.Length;
        FaceBody body = await FaceBody.ReadAsync(http.Request, 1 << 20, default);
        return new DezgoBodies(
            table,
            function,
            body,
            new Dictionary<string, ModelEntry> { ["demo"] = Demo },
            [new SchedulerEntry("dpmpp_2m_karras", ""), new SchedulerEntry("euler_a", "")]
        );
    }
}
