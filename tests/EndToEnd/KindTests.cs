using System.Text.Json.Nodes;
using Generation.Imaging;
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
            Picture made = await _stack.PictureAsync(
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

        Picture made = await _stack.PictureAsync("inpaint", body, token);

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
        Picture made = await _stack.PictureAsync(
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
        Picture made = await _stack.PictureAsync(
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
        Picture made = await _stack.PictureAsync(
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
        Picture weak = await _stack.PictureAsync("edit", Body(1), token);
        Picture strong = await _stack.PictureAsync("edit", Body(4), token);
        Picture again = await _stack.PictureAsync("edit", Body(4), token);

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
        Picture free = await _stack.PictureAsync(
            "text2img",
            new()
            {
                ["model"] = "tiny",
                ["prompt"] = "a house",
                ["seed"] = 3,
            },
            token
        );
        Picture none = await _stack.PictureAsync("controlnet", Body(0), token);
        Picture some = await _stack.PictureAsync("controlnet", Body(1), token);

        Assert.That(none.Bytes, Is.EqualTo(free.Bytes), "a control of no strength");
        Assert.That(Distance(free, some, (_, _) => true), Is.Positive);
    }

    [Test, CancelAfter(240_000)]
    public async Task Flux_PictureAndWords_MakesAPicture(CancellationToken token)
    {
        Picture picture = Gradient(64, 64);
        Picture words = await _stack.PictureAsync(
            "text2img",
            new()
            {
                ["model"] = "flux",
                ["prompt"] = "a house",
                ["seed"] = 3,
            },
            token
        );
        Picture both = await _stack.PictureAsync(
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

    private async Task<Picture> DrawAsync(string prompt, CancellationToken token) =>
        await _stack.PictureAsync(
            "text2img",
            new()
            {
                ["prompt"] = prompt,
                ["seed"] = 3,
                ["num_inference_steps"] = 12,
            },
            token
        );
}
