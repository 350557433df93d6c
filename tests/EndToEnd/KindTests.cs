using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Imaging;
using Generation.Imaging.Png;
using Generation.TestSupport;
using static Generation.EndToEnd.Tests.TestPictures;

namespace Generation.EndToEnd.Tests;

/// <summary>
/// Every kind of picture through the REST interface, picture in and picture out, looked at by numbers: on the model that
/// travels with the project where it can, on the small random models of the reference data where a kind needs its own.
/// </summary>
[TestFixture]
public sealed class KindTests
{
    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [Test, CancelAfter(240_000)]
    public async Task Img2Img_MoreStrength_GoesFurtherFromThePicture(CancellationToken token)
    {
        Picture apple = await DrawAsync("a red apple on a blue background", token);
        var distances = new List<double>();
        foreach (double strength in new[] { 0.15, 0.45, 0.9 })
        {
            Picture made = await RunAsync(
                "img2img",
                new()
                {
                    ["prompt"] = "a green leaf on a yellow background",
                    ["image"] = Base64(apple),
                    ["strength"] = strength,
                    ["seed"] = 5,
                    ["num_inference_steps"] = 20,
                },
                token
            );
            Assert.That((made.Width, made.Height), Is.EqualTo((256, 256)));
            distances.Add(Distance(apple, made, (_, _) => true));
        }

        Assert.That(distances, Is.Ordered.Ascending, string.Join(", ", distances));
        Assert.That(distances[2], Is.GreaterThan(distances[0] * 2), "much strength forgets the picture");
    }

    [
        TestCase("paint_white", null, 0),
        TestCase("paint_black", null, 0),
        TestCase("paint_white", 16, 0),
        TestCase("paint_white", null, 3),
        CancelAfter(240_000)
    ]
    public async Task Inpaint_OutsideTheMask_IsThePictureExactly(string mode, int? padding, double blur, CancellationToken token)
    {
        Picture picture = Gradient(300, 200);
        // Not on any grid of the network
        bool Inside(int x, int y) => x is >= 101 and < 187 && y is >= 63 and < 141;
        Picture mask = Draw(300, 200, (x, y) => Inside(x, y) == (mode == "paint_white") ? (255, 255, 255) : (0, 0, 0));
        var body = new JsonObject
        {
            ["prompt"] = "a red apple",
            ["image"] = Base64(picture),
            ["mask"] = Base64(mask),
            ["mask_mode"] = mode,
            ["mask_blur"] = blur,
            ["seed"] = 3,
            ["num_inference_steps"] = 12,
        };
        if (padding is not null)
        {
            body["padding"] = padding;
        }

        Picture made = await RunAsync("inpaint", body, token);

        // A blur reaches as far as its three boxes do
        int reach = blur > 0 ? (int)Math.Ceiling(blur * 4) : 0;
        Assert.That((made.Width, made.Height), Is.EqualTo((300, 200)));
        Assert.That(
            Distance(picture, made, (x, y) => !(x >= 101 - reach && x < 187 + reach && y >= 63 - reach && y < 141 + reach)),
            Is.Zero,
            "outside"
        );
        Assert.That(Distance(picture, made, Inside), Is.GreaterThan(8), "inside");
    }

    [Test, CancelAfter(240_000)]
    public async Task Inpaint_PictureWithASizeLargerThanTheNetworks_ShowsWhatWasAsked(CancellationToken token)
    {
        Picture blue = Draw(256, 256, (_, _) => (40, 70, 200));
        Picture mask = Draw(256, 256, (x, y) => x is >= 48 and < 208 && y is >= 48 and < 208 ? (255, 255, 255) : (0, 0, 0));
        Picture made = await RunAsync(
            "inpaint",
            new()
            {
                ["prompt"] = "a red apple on a blue background",
                ["image"] = Base64(blue),
                ["mask"] = Base64(mask),
                ["seed"] = 1,
            },
            token
        );

        (double r, double g, double b) = Mean(made, (x, y) => x is >= 100 and < 156 && y is >= 100 and < 156);
        Assert.That(r, Is.GreaterThan(b + 20), $"the middle is ({r:F0}, {g:F0}, {b:F0})");
    }

    [TestCase("nine"), TestCase("flux"), CancelAfter(240_000)]
    public async Task Inpaint_NetworksThatSeeTheMaskAndFlux_KeepWhatIsOutside(string model, CancellationToken token)
    {
        Picture picture = Gradient(64, 64);
        Picture mask = Draw(64, 64, (x, y) => x is >= 20 and < 50 && y >= 30 ? (255, 255, 255) : (0, 0, 0));
        Picture made = await RunAsync(
            "inpaint",
            new()
            {
                ["model"] = model,
                ["prompt"] = "a house",
                ["image"] = Base64(picture),
                ["mask"] = Base64(mask),
                ["seed"] = 3,
            },
            token
        );

        Assert.That(Distance(picture, made, (x, y) => !(x is >= 20 and < 50 && y >= 30)), Is.Zero);
        Assert.That(Distance(picture, made, (x, y) => x is >= 20 and < 50 && y >= 30), Is.GreaterThan(1));
    }

    [TestCase("a blue background", "left", "right", 2), TestCase("a blue background", "top", "bottom", 2)]
    [TestCase("a blue background", "left", "right", 5), TestCase("a cat on a blue background", "top", "bottom", 7)]
    [TestCase("a blue sky", "left", "right", 2), TestCase("a blue sky", "top", "bottom", 4), CancelAfter(240_000)]
    public async Task Outpaint_Gradient_HasNoVisibleSeam(string prompt, string before, string after, int seed, CancellationToken token)
    {
        // It changes along the borders, and not across them
        bool upright = before == "left";
        Picture sky = Draw(192, 192, (x, y) => (upright ? y : x) is var at ? (60 + (at / 3), 110 + (at / 3), 190) : default);
        Picture made = await RunAsync(
            "outpaint",
            new()
            {
                ["prompt"] = prompt,
                ["image"] = Base64(sky),
                [before] = 48,
                [after] = 40,
                ["seed"] = seed,
            },
            token
        );

        Assert.That((made.Width, made.Height), Is.EqualTo(upright ? (280, 192) : (192, 280)));
        if (!upright)
        {
            (sky, made) = (Transposed(sky), Transposed(made));
        }

        // What lies deeper inside than the overlap is the picture's own
        Picture kept = made.Crop(48 + 16, 0, 192 - 32, 192);
        Assert.That(Distance(sky.Crop(16, 0, 160, 192), kept, (_, _) => true), Is.Zero);
        // A seam is a step between columns, of 255 levels: the sky itself has none from left to right
        foreach (int border in new[] { 48, 48 + 192 })
        {
            double[] steps = [.. Enumerable.Range(border - 20, 40).Select(x => ColumnStep(made, x))];
            TestContext.Out.WriteLine($"at {border}: {string.Join(' ', steps.Select(s => s.ToString("F1")))}");
            Assert.That(steps.Max(), Is.LessThan(4), $"column {border}");
        }
    }

    [Test, CancelAfter(240_000)]
    public async Task Edit_ImageGuidance_HoldsToThePicture(CancellationToken token)
    {
        Picture picture = Gradient(64, 64);
        JsonObject Body(double scale) =>
            new()
            {
                ["prompt"] = "make it winter",
                ["image"] = Base64(picture),
                ["image_guidance_scale"] = scale,
                ["seed"] = 3,
            };
        Picture weak = await RunAsync("edit", Body(1), token);
        Picture strong = await RunAsync("edit", Body(4), token);
        Picture again = await RunAsync("edit", Body(4), token);

        Assert.That((weak.Width, weak.Height), Is.EqualTo((64, 64)));
        Assert.That(Distance(weak, strong, (_, _) => true), Is.Positive);
        Assert.That(again.Bytes, Is.EqualTo(strong.Bytes));
    }

    [Test, CancelAfter(240_000)]
    public async Task ControlNet_ControlPicture_SteersAsFarAsItsScaleSays(CancellationToken token)
    {
        Picture picture = Draw(128, 128, (x, y) => ((x - 64) * (x - 64)) + ((y - 64) * (y - 64)) < 1600 ? (250, 250, 250) : (10, 10, 10));
        JsonObject Body(double scale) =>
            new()
            {
                ["model"] = "tiny",
                ["prompt"] = "a house",
                ["seed"] = 3,
                ["width"] = 64,
                ["height"] = 64,
                ["control"] = new JsonArray(
                    new JsonObject
                    {
                        ["image"] = Base64(picture),
                        ["preprocessor"] = "canny",
                        ["scale"] = scale,
                    }
                ),
            };
        Picture free = await RunAsync(
            "text2img",
            new()
            {
                ["model"] = "tiny",
                ["prompt"] = "a house",
                ["seed"] = 3,
            },
            token
        );
        Picture none = await RunAsync("controlnet", Body(0), token);
        Picture some = await RunAsync("controlnet", Body(1), token);

        Assert.That(none.Bytes, Is.EqualTo(free.Bytes), "a control of no strength");
        Assert.That(Distance(free, some, (_, _) => true), Is.Positive);
    }

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

        Picture before = await RunAsync("text2img", Body(null), token);
        Picture with = await RunAsync("text2img", Body(1), token);
        Picture after = await RunAsync("text2img", Body(null), token);

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
        Picture own = await RunAsync("text2img", Body(null), token);
        Picture same = await RunAsync("text2img", Body("same"), token);
        Picture other = await RunAsync("text2img", Body("other"), token);
        Picture after = await RunAsync("text2img", Body(null), token);

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
        Picture one = await RunAsync("text2img", Body("vecone"), token);
        Picture two = await RunAsync("text2img", Body("vectwo"), token);
        Picture unknown = await RunAsync("text2img", Body("vecsix"), token);

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
        Picture alone = await RunAsync("text2img", Body(null), token);
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
        Picture plain = await RunAsync("text2img", Body(null), token);
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

    [Test, CancelAfter(240_000)]
    public async Task Flux_PictureAndWords_MakesAPicture(CancellationToken token)
    {
        Picture picture = Gradient(64, 64);
        Picture words = await RunAsync(
            "text2img",
            new()
            {
                ["model"] = "flux",
                ["prompt"] = "a house",
                ["seed"] = 3,
            },
            token
        );
        Picture both = await RunAsync(
            "img2img",
            new()
            {
                ["model"] = "flux",
                ["prompt"] = "a house",
                ["image"] = Base64(picture),
                ["strength"] = 0.5,
                ["seed"] = 3,
            },
            token
        );

        Assert.That((words.Width, both.Width), Is.EqualTo((64, 64)));
        Assert.That(both.Bytes, Is.Not.EqualTo(words.Bytes));
    }

    [Test, CancelAfter(240_000)]
    public async Task Models_Listed_TellWhatEachTakes(CancellationToken token)
    {
        JsonArray models = (await _stack.Api.GetAsync("/v1/models", token))!["data"]!.AsArray();
        JsonNode tiny = models.Single(m => (string)m!["name"]! == "tiny")!;

        Assert.That(tiny["kinds"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "text2img", "img2img", "inpaint", "controlnet" }));
        Assert.That(tiny["control_types"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "canny" }));
        Assert.That(tiny["loras"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "ink", "pen" }));
        Assert.That(tiny["embeddings"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "vecone", "vectwo" }));
        Assert.That(tiny["vaes"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "same", "other" }));
    }

    [Test, CancelAfter(400_000)]
    public async Task Documentation_CurlLineOfEachKind_Works(CancellationToken token)
    {
        var files = new Dictionary<string, byte[]>
        {
            ["apple.png"] = PictureCodec.Encode(Gradient(96, 96), PictureFormat.Png),
            ["mask.png"] = PictureCodec.Encode(Draw(96, 96, (x, _) => x > 48 ? (255, 255, 255) : (0, 0, 0)), PictureFormat.Png),
        };
        string text = await File.ReadAllTextAsync(Path.Combine(Clone.Current.Root, "docs", "kinds.md"), token);
        string[] lines =
        [
            .. text.Replace("\\\n", " ", StringComparison.Ordinal)
                .Split('\n')
                .Where(line => line.StartsWith("    curl", StringComparison.Ordinal)),
        ];
        var kinds = new List<JobKind>();
        foreach (string line in lines)
        {
            using HttpRequestMessage request = CurlRequest.Parse(line, _stack.Stack.Url!, files);
            using HttpResponseMessage answer = await _stack.Api.Http.SendAsync(request, token);
            string body = await answer.Content.ReadAsStringAsync(token);
            Assert.That(answer.IsSuccessStatusCode, $"{line}\n{body}");
            JobDocument job = await _stack.EndAsync(JsonSerializer.Deserialize<JobDocument>(body, WireJson.Options)!.Id, token);
            Assert.That(job.State, Is.EqualTo(JobState.Succeeded), $"{line}\n{job.Error?.Field}: {job.Error?.Detail}");
            kinds.Add(job.Kind);
        }

        Assert.That(kinds, Is.EquivalentTo(Enum.GetValues<JobKind>()), "one line for each kind");
    }

    private async Task<Picture> DrawAsync(string prompt, CancellationToken token) =>
        await RunAsync(
            "text2img",
            new()
            {
                ["prompt"] = prompt,
                ["seed"] = 3,
                ["num_inference_steps"] = 12,
            },
            token
        );

    private async Task<Picture> RunAsync(string kind, JsonObject body, CancellationToken token)
    {
        JobDocument job = await _stack.EndAsync((await _stack.Api.SubmitAsync(kind, body, token)).Id, token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), $"{job.Error?.Field}: {job.Error?.Detail}");
        return PngCodec.Decode(await _stack.Api.OutputAsync(job.Outputs.Single(), token)).DropAlpha();
    }
}
