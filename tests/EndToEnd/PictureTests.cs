using System.Net;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Png;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>From words to a picture, on the model that travels with the project.</summary>
[TestFixture]
public sealed class PictureTests
{
    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_RedAppleOnBlue_ShowsIt(CancellationToken token)
    {
        JobDocument job = await _stack.SubmitAsync("a red apple on a blue background", token, seed: 3);
        job = await _stack.EndAsync(job.Id, token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        JobOutputLink output = job.Outputs.Single();
        Picture picture = PngCodec.Decode(await _stack.Api.OutputAsync(output, token));

        Assert.That((picture.Width, picture.Height), Is.EqualTo((256, 256)));
        // The corners are background: blue over all else
        (double r, double g, double b) corners = Mean(picture, (x, y) => (x is < 24 or >= 232) && (y is < 24 or >= 232));
        Assert.That(corners.b, Is.GreaterThan(corners.r + 60).And.GreaterThan(corners.g + 30), $"corners are {corners}");
        // In the middle is the apple: red over all else
        (double r, double g, double b) middle = Mean(picture, (x, y) => x is >= 104 and < 152 && y is >= 112 and < 160);
        Assert.That(middle.r, Is.GreaterThan(middle.b + 60).And.GreaterThan(middle.g + 60), $"the middle is {middle}");
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_WithoutSize_TellsHowItWasMade(CancellationToken token)
    {
        JobDocument job = await _stack.SubmitAsync("a cat", token, seed: 1, steps: 2);
        job = await _stack.EndAsync(job.Id, token);

        RenderPlan? plan = job.Outputs.Single().Render;
        Assert.That(
            (plan?.GeneratedWidth, plan?.GeneratedHeight, plan?.Upscaler, plan?.Scale, plan?.Resized),
            Is.EqualTo((64, 64, "demo-upscaler", 4, false))
        );
        Assert.That(await _stack.LedgerAsync(job.Id, token), Is.EqualTo(["hold", "charge"]));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_OddSize_IsMadeToThePixel(CancellationToken token)
    {
        JobDocument job = await _stack.Api.SubmitAsync(
            "text2img",
            new()
            {
                ["prompt"] = "a fox",
                ["width"] = 301,
                ["height"] = 199,
                ["num_inference_steps"] = 2,
            },
            token
        );
        job = await _stack.EndAsync(job.Id, token);
        Picture picture = PngCodec.Decode(await _stack.Api.OutputAsync(job.Outputs.Single(), token));

        Assert.That((picture.Width, picture.Height), Is.EqualTo((301, 199)));
        Assert.That(job.Outputs.Single().Render?.Resized, Is.True);
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_SameSeed_SameBytesAloneAndInABatch(CancellationToken token)
    {
        JobDocument batch = await _stack.SubmitAsync("a dog on the grass", token, seed: 40, steps: 4, images: 3);
        JobDocument alone = await _stack.SubmitAsync("a dog on the grass", token, seed: 42, steps: 4);
        batch = await _stack.EndAsync(batch.Id, token);
        alone = await _stack.EndAsync(alone.Id, token);

        Assert.That(batch.Outputs.Select(output => output.Seed), Is.EqualTo(new long?[] { 40, 41, 42 }));
        Assert.That(batch.Outputs.Select(output => output.Sha256).Distinct().Count(), Is.EqualTo(3));
        Assert.That(alone.Outputs.Single().Sha256, Is.EqualTo(batch.Outputs[2].Sha256));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_WithoutSeed_TellsTheSeedThatMakesItAgain(CancellationToken token)
    {
        JobDocument first = await _stack.SubmitAsync("a star", token, steps: 2);
        first = await _stack.EndAsync(first.Id, token);
        JobDocument again = await _stack.SubmitAsync("a star", token, seed: first.Outputs.Single().Seed, steps: 2);
        again = await _stack.EndAsync(again.Id, token);

        Assert.That(again.Outputs.Single().Sha256, Is.EqualTo(first.Outputs.Single().Sha256));
    }

    [Test, CancelAfter(240_000)]
    public async Task Cancel_WhileRunning_StopsAndCostsNothing(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await _stack.SubmitHeldAsync(
            () => _stack.SubmitAsync("a castle", token, seed: 1, steps: 10),
            step: 3,
            token
        );
        using JobHold held = hold;
        await _stack.Api.CancelAsync(job.Id, token);
        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Cancelled));
        Assert.That(job.Outputs, Is.Empty);
        Assert.That((await _stack.LedgerAsync(job.Id, token))[0], Is.EqualTo("hold"));
        Assert.That(job.Cost.Held, Is.EqualTo(Credits.Zero));
    }

    [TestCase("""{}""", "prompt")]
    [TestCase("""{"prompt": ""}""", "prompt")]
    [TestCase("""{"prompt": 5}""", "prompt")]
    [TestCase("""{"prompt": "a", "width": 0}""", "width")]
    [TestCase("""{"prompt": "a", "width": 100000}""", "width")]
    [TestCase("""{"prompt": "a", "height": "tall"}""", "height")]
    [TestCase("""{"prompt": "a", "height": 64.5}""", "height")]
    [TestCase("""{"prompt": "a", "num_inference_steps": 0}""", "num_inference_steps")]
    [TestCase("""{"prompt": "a", "num_inference_steps": 1000000}""", "num_inference_steps")]
    [TestCase("""{"prompt": "a", "guidance_scale": -1}""", "guidance_scale")]
    [TestCase("""{"prompt": "a", "seed": -1}""", "seed")]
    [TestCase("""{"prompt": "a", "seed": 1e30}""", "seed")]
    [TestCase("""{"prompt": "a", "num_images": 100}""", "num_images")]
    [TestCase("""{"prompt": "a", "scheduler": "dimm"}""", "scheduler")]
    [TestCase("""{"prompt": "a", "model": "dmeo"}""", "model")]
    [TestCase("""{"prompt": "a", "output_format": "bmp"}""", "output_format")]
    [TestCase("""{"prompt": "a", "promt": "b"}""", "promt")]
    [CancelAfter(240_000)]
    public async Task Text2Img_BadField_IsRefusedByName(string body, string field, CancellationToken token)
    {
        (HttpStatusCode status, RestException problem) = await RefusedAsync(new StringContent(body, null, "application/json"), token);

        Assert.That((int)status, Is.InRange(400, 422));
        Assert.That(problem.Code, Is.Not.Null.And.Not.Empty);
        Assert.That(problem.Problem?["errors"]?[field], Is.Not.Null, problem.Message);
    }

    [TestCase("""{"prompt": """, "application/json", 400)]
    [TestCase("", "application/json", 400)]
    [TestCase("[]", "application/json", 400)]
    [TestCase("prompt=a", "application/x-www-form-urlencoded", 415)]
    [CancelAfter(240_000)]
    public async Task Text2Img_NotARequest_IsRefusedWithAProblem(string body, string type, int expected, CancellationToken token)
    {
        (HttpStatusCode status, RestException problem) = await RefusedAsync(new StringContent(body, null, type), token);

        Assert.That((int)status, Is.EqualTo(expected).Or.EqualTo(422));
        Assert.That(problem.Code, Is.Not.Null.And.Not.Empty);
    }

    [Test, CancelAfter(240_000)]
    public async Task AnyCall_WithoutKeyOrWithAWrongOne_Is401(CancellationToken token)
    {
        foreach (string? key in new[] { null, "gk_wrong", new string('x', 5000) })
        {
            using var stranger = new RestClient(_stack.Stack.Url, null);
            if (key is not null)
            {
                stranger.Http.DefaultRequestHeaders.TryAddWithoutValidation("X-Api-Key", key);
            }

            RestException? refusal = await Assert.ThrowsAsync<RestException>(() =>
                stranger.SubmitAsync("text2img", new() { ["prompt"] = "a" }, token)
            );
            Assert.That(refusal?.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        }
    }

    private static (double R, double G, double B) Mean(Picture picture, Func<int, int, bool> where)
    {
        double r = 0,
            g = 0,
            b = 0;
        int count = 0;
        for (int y = 0; y < picture.Height; y++)
        {
            ReadOnlySpan<byte> row = picture.Row(y);
            for (int x = 0; x < picture.Width; x++)
            {
                if (where(x, y))
                {
                    r += row[x * picture.Channels];
                    g += row[(x * picture.Channels) + 1];
                    b += row[(x * picture.Channels) + 2];
                    count++;
                }
            }
        }

        return (r / count, g / count, b / count);
    }

    private async Task<(HttpStatusCode Status, RestException Problem)> RefusedAsync(HttpContent content, CancellationToken token)
    {
        using HttpContent body = content;
        using HttpResponseMessage answer = await _stack.Api.Http.PostAsync(new Uri("/v1/text2img", UriKind.Relative), body, token);
        RestException problem = (await Assert.ThrowsAsync<RestException>(() => RestClient.ThrowIfRefusedAsync(answer, token)))!;
        return (answer.StatusCode, problem);
    }
}
