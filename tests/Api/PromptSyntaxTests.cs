using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Api.Safety;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>What stands in prompts beside words: LoRAs' tags, changes between steps, and what is not done and therefore told.</summary>
public sealed class PromptSyntaxTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        await KindModels.RegisterAsync(_api);
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [TestCase("a red apple <lora:ink:0.8>", "a red apple", 0.8, null)]
    [TestCase("<lora:ink>a red apple", "a red apple", 1.0, null)]
    [TestCase("a red <LORA:ink:-0.5>apple", "a red apple", -0.5, null)]
    [TestCase("a red apple<lyco:ink:0.8>", "a red apple", 0.8, null)]
    [TestCase("a red apple <lora:ink:0.5:0.8>", "a red apple", 0.8, 0.5)]
    [TestCase("a red apple <lora:ink:te=0:unet=0.7>", "a red apple", 0.7, 0.0)]
    [TestCase("a red apple < lora", "a red apple < lora", null, null)]
    public async Task Tag_OfALora_IsAnEntryOfLoras(string prompt, string left, double? scale, double? text)
    {
        JobDocument job = await SubmitAsync(new { prompt, model = "rich" });
        var request = (Text2ImgRequest)job.Request!;
        Assert.That(request.Prompt, Is.EqualTo(left));
        Assert.That(request.Loras ?? [], Is.EqualTo(scale is { } s ? new[] { new LoraUse("ink", s, text) } : []));
        Assert.That(job.Warnings, Is.Null);
    }

    [Test]
    public async Task Tag_BesideTheField_ComesAfterIt()
    {
        JobDocument job = await SubmitAsync(
            new
            {
                prompt = "a",
                model = "rich",
                loras = new[]
                {
                    new
                    {
                        model = "ink",
                        scale = 0.5,
                        text_encoder_scale = 0.25,
                    },
                },
            }
        );
        Assert.That(((Text2ImgRequest)job.Request!).Loras, Is.EqualTo(new[] { new LoraUse("ink", 0.5, 0.25) }));
    }

    [TestCase("a <lora:inc:1>", "there is no LoRA 'inc'; did you mean 'ink'")]
    [TestCase("a <lora:huge:1>", "'huge' is for models of the family sdxl")]
    [TestCase("a <lora:ink:9>", "-4 to 4")]
    [TestCase("a <lora:ink:1><lora:ink:1>", "'ink' is given twice")]
    [TestCase("a <lora:ink:strong>", "cannot be read")]
    [TestCase("a <lora:ink:1:lbw=XYZ>", "cannot be read")]
    [TestCase("a <lora:ink:nan>", "cannot be read")]
    [TestCase("a <hypernet:anime:0.5>", "names a hypernetwork")]
    [TestCase("<lora:a><lora:b><lora:c><lora:d><lora:e><lora:f><lora:g><lora:h><lora:i>", "8 LoRAs at most, and names 9")]
    [TestCase("(a:101)", "comes to 101; the limit is 100")]
    [TestCase("[0|1|2|3|4] [0|1|2|3|4|5|6] [0|1|2]", "more than 64 different texts")]
    public async Task Syntax_ThatCannotBe_IsRefusedWhenItIsAskedFor(string prompt, string said)
    {
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync(
            "/v1/text2img",
            new
            {
                prompt,
                model = "rich",
                num_inference_steps = 80,
            }
        );
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        JsonElement problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(problem.GetProperty("errors").GetProperty("prompt").ToString(), Does.Contain(said));
    }

    [TestCase("negative_prompt", "a <lora:ink:1>")]
    public async Task Tag_WhereNoLoraCanBe_IsRefused(string field, string text)
    {
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync(
            "/v1/text2img",
            new Dictionary<string, string>
            {
                ["prompt"] = "a",
                ["model"] = "rich",
                [field] = text,
            }
        );
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("names a LoRA"));
    }

    [TestCase("a cat AND a dog", "AND is read as a word")]
    [TestCase("a <wildcard:colour> cat", "<wildcard:colour> is read as words")]
    public async Task Syntax_ThatIsNotDone_IsToldInTheJob(string prompt, string said)
    {
        JobDocument job = await SubmitAsync(new { prompt, model = "rich" });
        Assert.That(job.Warnings?.Single(), Does.StartWith("prompt: ").And.Contain(said));
        Assert.That((await _api.PollAsync(job.Id)).Warnings, Is.EqualTo(job.Warnings), "polls say it, too");
        Assert.That(job.WarningNotices?.Single().Code, Does.EndWith("_words").Or.EndWith("_word"));
        Assert.That(job.WarningNotices?.Single().Values["field"], Is.EqualTo("prompt"));
        JobDocument plain = await SubmitAsync(new { prompt = "a [cat:dog:0.5] and (a:1.2) [b|c]", model = "rich" });
        Assert.That(plain.Warnings, Is.Null);
    }

    [TestCase("a n[u|u]de", "nude")]
    [TestCase("a n(u)de", "nude")]
    [TestCase(@"a [x:nude:0.5]", "nude")]
    [TestCase("a nu[:de:0.9]", "nude")]
    [TestCase("a [[[nude", "nude")]
    [TestCase("a n[u|u]de [1|2|3] [1|2|3|4|5] [1|2|3|4|5|6|7]", "nude")]
    [TestCase("a (b:101) n[u|u]de", "nude")]
    [TestCase("a [b|c] hat", null)]
    public void FindBlocked_WordsThatBracketsPutTogether_AreFound(string prompt, string? found) =>
        Assert.That(PromptRules.FindBlocked(prompt, ["nude"]), Is.EqualTo(found));

    private async Task<JobDocument> SubmitAsync(object body)
    {
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync("/v1/text2img", body);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JobDocument>(WireJson.Options))!;
    }
}
