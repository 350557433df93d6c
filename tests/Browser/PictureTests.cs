using Generation.Contracts;
using Generation.Hosting;
using Generation.Imaging;
using Generation.Imaging.Png;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>Pictures that people bring: painted on, read, enlarged.</summary>
public sealed class PictureTests
{
    private static string Apple => Path.Combine(Clone.Current.Root, "docs", "apple.png");

    [Test, CancelAfter(240_000)]
    public async Task Inpaint_WithAPaintedMask_ChangesOnlyWhatIsPainted(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Paint inside a mask").ClickAsync();
        await page.Locator("[data-field=image] input").SetInputFilesAsync(Apple);
        ILocator canvas = page.Locator(".mask canvas");
        await canvas.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await canvas.BoundingBoxAsync())!;
        // A stroke over the upper left quarter
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.15f), box.Y + (box.Height * 0.2f));
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.35f), box.Y + (box.Height * 0.2f), new() { Steps = 5 });
        await page.Mouse.UpAsync();
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a yellow star on a green background");
        await page.GetByLabel("Steps").FillAsync("6");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        ILocator run = page.Locator(".run").First;
        await Assertions.Expect(run).ToHaveAttributeAsync("data-state", "succeeded");

        JobDocument job = await visitor.Stack.Api.JobAsync(JobId.Parse((await run.GetAttributeAsync("data-job"))!), token);
        Picture made = PngCodec.Decode(await visitor.Stack.Api.OutputAsync(job.Outputs.Single(), token));
        Picture given = PngCodec.Decode(await File.ReadAllBytesAsync(Apple, token));
        int changedInside = 0;
        int changedOutside = 0;
        for (int y = 0; y < given.Height; y++)
        {
            for (int x = 0; x < given.Width; x++)
            {
                // The stroke with its round ends, and room for how a browser draws an edge
                bool isNear = y < given.Height * 0.32 && x < given.Width * 0.47;
                if (!Pixel(made, x, y).SequenceEqual(Pixel(given, x, y)))
                {
                    changedInside += isNear ? 1 : 0;
                    changedOutside += isNear ? 0 : 1;
                }
            }
        }

        Assert.That(changedOutside, Is.Zero);
        Assert.That(changedInside, Is.GreaterThan(500));
    }

    [Test, CancelAfter(240_000)]
    public async Task Mask_ByKeysAlone_IsPaintedUndoneAndInverted(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Paint inside a mask").ClickAsync();
        await page.Locator("[data-field=image] input").SetInputFilesAsync(Apple);
        ILocator canvas = page.Locator(".mask canvas");
        await canvas.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("Space");
        int spot = await PaintedAsync(canvas);
        await page.Keyboard.PressAsync("Shift+ArrowRight");
        int line = await PaintedAsync(canvas);
        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        int undone = await PaintedAsync(canvas);
        await page.GetByRole(AriaRole.Button, new() { Name = "Invert" }).ClickAsync();
        int inverted = await PaintedAsync(canvas);

        Assert.That(spot, Is.Positive);
        Assert.That(line, Is.GreaterThan(spot));
        Assert.That(undone, Is.EqualTo(spot));
        Assert.That(inverted, Is.GreaterThan(60_000 - spot));
    }

    [Test, CancelAfter(240_000)]
    public async Task DroppedPicture_TellsHowItWasMade(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        JobDocument job = await visitor.Stack.Api.SubmitAsync(
            "text2img",
            new()
            {
                ["prompt"] = "a fox, \"quoted\": in the snow",
                ["negative_prompt"] = "a cat",
                ["seed"] = 77,
                ["num_inference_steps"] = 3,
                ["guidance_scale"] = 5.5,
                ["output_format"] = "webp",
            },
            token
        );
        job = await visitor.Stack.EndAsync(job.Id, token);
        byte[] picture = await visitor.Stack.Api.OutputAsync(job.Outputs.Single(), token);
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Picture from a picture").ClickAsync();
        // A file's name is shown nowhere as anything but a name
        await DropAsync(page, "[data-field=image] .drop", picture, "\"><img src=x onerror=window.pwned=1>.webp", "image/webp");
        await page.GetByRole(AriaRole.Button, new() { Name = "Take over how it was made" }).ClickAsync();

        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a fox, \"quoted\": in the snow");
        await Assertions.Expect(page.GetByLabel("Negative prompt")).ToHaveValueAsync("a cat");
        await Assertions.Expect(page.GetByLabel("Seed")).ToHaveValueAsync("77");
        await Assertions.Expect(page.GetByLabel("Steps")).ToHaveValueAsync("3");
        await Assertions.Expect(page.GetByLabel("Guidance", new() { Exact = true })).ToHaveValueAsync("5.5");
        Assert.That(await page.EvaluateAsync<bool>("window.pwned === undefined"), Is.True);
    }

    [Test, CancelAfter(240_000)]
    public async Task Enlarged_IsComparedWithWhatItWas(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Enlarge", new() { Exact = true }).ClickAsync();
        await page.Locator("[data-field=image] input").SetInputFilesAsync(Path.Combine(Clone.Current.Root, "docs", "small.png"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        ILocator line = page.GetByLabel("Before and after");
        await line.WaitForAsync();
        await line.FillAsync("20");

        await Assertions.Expect(page.Locator(".compare img").Nth(1)).ToHaveCSSAsync("clip-path", "inset(0px 80% 0px 0px)");
    }

    private static byte[] Pixel(Picture picture, int x, int y)
    {
        int channels = picture.Bytes.Length / (picture.Width * picture.Height);
        return picture.Bytes.AsSpan(((y * picture.Width) + x) * channels, 3).ToArray();
    }

    /// <summary>How many points of a mask are painted.</summary>
    internal static Task<int> PaintedAsync(ILocator canvas) =>
        canvas.EvaluateAsync<int>(
            """
            (canvas) => {
              const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let count = 0;
              for (let i = 3; i < data.length; i += 4) { count += data[i] > 127 ? 1 : 0; }
              return count;
            }
            """
        );

    private static async Task DropAsync(IPage page, string place, byte[] file, string name, string type) =>
        await page.EvaluateAsync(
            """
            ([place, bytes, name, type]) => {
              const data = new DataTransfer();
              data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
              document.querySelector(place).dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
            }
            """,
            new[] { place, Convert.ToBase64String(file), name, type }
        );
}
