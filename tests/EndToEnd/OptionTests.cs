using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Png;
using Generation.TestSupport;
using static Generation.EndToEnd.Tests.TestPictures;

namespace Generation.EndToEnd.Tests;

/// <summary>What a request for pictures may add to its kind: LoRAs, embeddings, another VAE, a refiner, a second pass.</summary>
[TestFixture]
public sealed class OptionTests
{
    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [Test, CancelAfter(240_000)]
    public async Task Lora_ForOneJob_LeavesTheModelAsItWas(CancellationToken token)
    {
        JsonObject Body(double? scale)
        {
            var body = new JsonObject
            {
                ["model"] = "tiny",
                ["prompt"] = "a house",
                ["seed"] = 3,
            };
            if (scale is not null)
            {
                body["loras"] = new JsonArray(
                    new JsonObject { ["model"] = "ink", ["scale"] = scale },
                    new JsonObject { ["model"] = "pen", ["scale"] = scale / 2 }
                );
            }

            return body;
        }

        Picture before = await _stack.PictureAsync("text2img", Body(null), token);
        Picture with = await _stack.PictureAsync("text2img", Body(1), token);
        Picture after = await _stack.PictureAsync("text2img", Body(null), token);

        Assert.That(with.Bytes, Is.Not.EqualTo(before.Bytes));
        Assert.That(after.Bytes, Is.EqualTo(before.Bytes), "bit for bit");
        RestException? refused = await Assert.ThrowsAsync<RestException>(() =>
            _stack.Api.SubmitAsync(
                "text2img",
                new()
                {
                    ["model"] = "xl",
                    ["prompt"] = "a",
                    ["loras"] = new JsonArray(new JsonObject { ["model"] = "ink" }),
                },
                token
            )
        );
        Assert.That(refused!.Message, Does.Contain("loras[0].model").And.Contain("sdxl"));
    }

    [Test, CancelAfter(240_000)]
    public async Task Vae_Another_IsUsedForTheJobAlone(CancellationToken token)
    {
        JsonObject Body(string? vae) =>
            new()
            {
                ["model"] = "tiny",
                ["prompt"] = "a house",
                ["seed"] = 4,
                ["vae"] = vae,
            };
        Picture own = await _stack.PictureAsync("text2img", Body(null), token);
        Picture same = await _stack.PictureAsync("text2img", Body("same"), token);
        Picture other = await _stack.PictureAsync("text2img", Body("other"), token);
        Picture after = await _stack.PictureAsync("text2img", Body(null), token);

        Assert.That(same.Bytes, Is.EqualTo(own.Bytes), "the same weights from another folder");
        Assert.That(other.Bytes, Is.Not.EqualTo(own.Bytes));
        Assert.That(after.Bytes, Is.EqualTo(own.Bytes));
    }

    [Test, CancelAfter(240_000)]
    public async Task Embeddings_OfEqualVectors_StandForTheSame(CancellationToken token)
    {
        JsonObject Body(string word) =>
            new()
            {
                ["model"] = "tiny",
                ["prompt"] = $"a {word} house",
                ["seed"] = 3,
            };
        Picture one = await _stack.PictureAsync("text2img", Body("vecone"), token);
        Picture two = await _stack.PictureAsync("text2img", Body("vectwo"), token);
        Picture unknown = await _stack.PictureAsync("text2img", Body("vecsix"), token);

        Assert.That(two.Bytes, Is.EqualTo(one.Bytes));
        Assert.That(unknown.Bytes, Is.Not.EqualTo(one.Bytes));
    }

    [Test, CancelAfter(240_000)]
    public async Task Refiner_SecondModel_DoesTheLastSteps(CancellationToken token)
    {
        JsonObject Body(JsonObject? refiner) =>
            new()
            {
                ["model"] = "xl",
                ["prompt"] = "a house",
                ["seed"] = 3,
                ["num_inference_steps"] = 5,
                ["refiner"] = refiner,
            };
        Picture alone = await _stack.PictureAsync("text2img", Body(null), token);
        JobDocument job = await _stack.Api.SubmitAsync("text2img", Body(new JsonObject { ["switch_at"] = 0.6 }), token);
        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        Assert.That(((Text2ImgRequest)job.Request!).Refiner, Is.EqualTo(new RefinerUse("xl-refiner", 0.6)));
        Picture refined = PngCodec.Decode(await _stack.Api.OutputAsync(job.Outputs.Single(), token));
        Assert.That(refined.Bytes, Is.Not.EqualTo(alone.Bytes));
    }

    [Test, CancelAfter(240_000)]
    public async Task HiresFix_SecondPass_DrawsOverTheEnlarged(CancellationToken token)
    {
        JsonObject Body(JsonObject? fix) =>
            new()
            {
                ["prompt"] = "a red apple on a blue background",
                ["seed"] = 3,
                ["width"] = 128,
                ["height"] = 128,
                ["hires_fix"] = fix,
            };
        Picture plain = await _stack.PictureAsync("text2img", Body(null), token);
        JobDocument job = await _stack.Api.SubmitAsync("text2img", Body(new JsonObject { ["scale"] = 2, ["strength"] = 0.4 }), token);
        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        Assert.That((job.Render!.FirstWidth, job.Render.GeneratedWidth, job.Render.Upscaler), Is.EqualTo(((int?)64, 128, (string?)null)));
        Picture fixedUp = PngCodec.Decode(await _stack.Api.OutputAsync(job.Outputs.Single(), token));
        Assert.That((fixedUp.Width, fixedUp.Height), Is.EqualTo((128, 128)));
        Assert.That(fixedUp.Bytes, Is.Not.EqualTo(plain.Bytes));
        (double r, double g, double b) = Mean(fixedUp, (x, y) => x is >= 56 and < 72 && y is >= 56 and < 72);
        Assert.That(r, Is.GreaterThan(b + 20), $"the middle is ({r:F0}, {g:F0}, {b:F0})");
    }
}
