using System.Net.Http.Json;

namespace Generation.Faces.Tests.Dezgo;

public sealed class DezgoErrorTests : DezgoTests
{
    // Without a model for it, the call is there and says what is missing
    [TestCase("text-inpainting", """{"prompt":"a","mask_prompt":"the apple","init_image":"PICTURE"}""")]
    [TestCase("edit-image", """{"prompt":"a","init_image":"PICTURE"}""")]
    [TestCase("controlnet", """{"prompt":"a","init_image":"PICTURE","control_model":"canny"}""")]
    [TestCase("text2image_sdxl", """{"prompt":"a","refiner":true}""")]
    [TestCase("text2image_sdxl_lightning", """{"prompt":"a","transparent_background":"true"}""")]
    [TestCase("text2image_flux", """{"prompt":"a","lora1":"0123456789abcdef"}""")]
    public async Task Call_WhatNoModelHereDoes_SaysSo(string function, string body)
    {
        using HttpResponseMessage answer = await PostAsync(
            function,
            body.Replace("PICTURE", Convert.ToBase64String(TestPictures.Gradient(64, 64)), StringComparison.Ordinal)
        );
        Assert.That(await MessageAsync(answer, 400), Is.Not.Empty);
    }

    [TestCase("""{"steps":10}""", "prompt")]
    [TestCase("""{"prompt":"a","steps":9999}""", "steps")]
    [TestCase("""{"prompt":"a","steps":"many"}""", "steps")]
    [TestCase("""{"prompt":"a","width":100}""", "width")]
    [TestCase("""{"prompt":"a","width":325}""", "width")]
    [TestCase("""{"prompt":"a","guidance":-30}""", "guidance")]
    [TestCase("""{"prompt":"a","sampler":"magic"}""", "sampler")]
    [TestCase("""{"prompt":"a","model":"nothing_1_0"}""", "model")]
    [TestCase("""{"prompt":"a","format":"bmp"}""", "format")]
    [TestCase("""{"prompt":"a","seed":-1}""", "seed")]
    [TestCase("""{"prompt":"a","upscale":3}""", "upscale")]
    public async Task Text2Image_BadInput_IsAMessageThatNamesTheField(string body, string field)
    {
        using HttpResponseMessage answer = await PostAsync("text2image", body);
        Assert.That(await MessageAsync(answer, 400), Does.Contain(field + ":"));
        Assert.That(Header(answer, "x-dezgo-auth-userid"), Is.EqualTo(User.Account.ToString("N")));
    }

    [Test]
    public async Task Call_WithoutKeyOrMoneyOrPath_HasAMessage()
    {
        using HttpClient stranger = Api.Client();
        using HttpResponseMessage missing = await stranger.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new { prompt = "a" },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(missing, 401), Is.Not.Empty);
        using HttpClient wrong = ClientOf(new FaceUser(Guid.Empty, "DEZGO-0123456789ABCDEF"));
        using HttpResponseMessage unknown = await wrong.PostAsJsonAsync("/faces/dezgo/text2image", new { prompt = "a" }, FaceStack.Limit());
        Assert.That(await MessageAsync(unknown, 401), Is.Not.Empty);
        using HttpClient poor = ClientOf(await Api.NewUserAsync(1.8m));
        using HttpResponseMessage unpaid = await poor.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new
            {
                prompt = "a",
                width = 512,
                height = 512,
            },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(unpaid, 402), Is.Not.Empty);
        using HttpClient barely = ClientOf(await Api.NewUserAsync(1.9m));
        using HttpResponseMessage half = await barely.PostAsJsonAsync(
            "/faces/dezgo/text2image",
            new
            {
                prompt = "a",
                width = 512,
                height = 512,
                upscale = 2,
            },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(half, 402), Is.Not.Empty, "enough for the picture, not for enlarging it: nothing is begun");
        using HttpResponseMessage nowhere = await Client.PostAsJsonAsync(
            "/faces/dezgo/text3image",
            new { prompt = "a" },
            FaceStack.Limit()
        );
        Assert.That(await MessageAsync(nowhere, 404), Is.Not.Empty);
    }
}
