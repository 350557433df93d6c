using Generation.Contracts;
using Generation.Hosting;
using Generation.TestSupport;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>The API or the network goes away and comes back: the page says so, keeps what stands on it, and goes on by itself.</summary>
public sealed class AwayTests
{
    [Test, CancelAfter(300_000)]
    public async Task Network_GoneInMidJob_IsToldAndThePictureComesAllTheSame(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a bird");
        using JobHold hold = visitor.Stack.Holds.AtStep(3);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await hold.ReachedAsync(token);
        await visitor.Context.SetOfflineAsync(true);
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a bird that is kept");
        await Assertions.Expect(page.Locator(".away")).ToContainTextAsync("does not answer");
        hold.Release();
        await visitor.Context.SetOfflineAsync(false);

        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "succeeded");
        await Assertions.Expect(page.Locator(".away p")).ToHaveCountAsync(0);
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a bird that is kept");
    }

    [Test, CancelAfter(300_000)]
    public async Task Network_GoneWhilePainting_KeepsTheMaskAndSendsIt(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Paint inside a mask").ClickAsync();
        await page.Locator("[data-field=image] input").SetInputFilesAsync(Path.Combine(Clone.Current.Root, "docs", "apple.png"));
        ILocator canvas = page.Locator(".mask canvas");
        await canvas.FocusAsync();
        await visitor.Context.SetOfflineAsync(true);
        await page.Keyboard.PressAsync("Space");
        int painted = await PictureTests.PaintedAsync(canvas);
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a yellow star");
        await page.GetByLabel("Steps").FillAsync("2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator(".away")).ToContainTextAsync("does not answer");
        await visitor.Context.SetOfflineAsync(false);

        // What was asked for meanwhile is done, once
        ILocator run = page.Locator(".run");
        await Assertions.Expect(run).ToHaveAttributeAsync("data-state", "succeeded");
        Assert.That(await PictureTests.PaintedAsync(canvas), Is.EqualTo(painted).And.Positive);
        JobDocument job = await visitor.Stack.Api.JobAsync(JobId.Parse((await run.GetAttributeAsync("data-job"))!), token);
        Assert.That((job.Request as InpaintRequest)?.Mask, Is.Not.Null);
    }

    [Test, CancelAfter(300_000)]
    public async Task Disk_ThatIsFull_IsToldAndWhatStandsOnThePageIsMadeWhenThereIsRoom(CancellationToken token)
    {
        using var disk = SmallDisk.Mount();
        await using TestStack stack = await TestStack.StartAsync(
            overrides: new Dictionary<string, string> { ["Results__Path"] = Path.Combine(disk.Folder, "results") }
        );
        await using Visitor visitor = await Visitor.ComeAsync(stack);
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Paint inside a mask").ClickAsync();
        await page.Locator("[data-field=image] input").SetInputFilesAsync(Path.Combine(Clone.Current.Root, "docs", "apple.png"));
        // There once the picture is stored
        ILocator canvas = page.Locator(".mask canvas");
        await canvas.WaitForAsync();
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a pear that is kept");
        await page.GetByLabel("Steps").FillAsync("2");

        disk.Fill();
        await canvas.FocusAsync();
        await page.Keyboard.PressAsync("Space");
        int painted = await PictureTests.PaintedAsync(canvas);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        // The mask cannot be uploaded
        await Assertions.Expect(page.Locator(".away p")).ToContainTextAsync("The server cannot do this at present.");
        Assert.That(await PictureTests.PaintedAsync(canvas), Is.EqualTo(painted).And.Positive);
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a pear that is kept");
        disk.MakeRoom();

        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "succeeded");
        await Assertions.Expect(page.Locator(".away p")).ToHaveCountAsync(0);
        Assert.That(await PictureTests.PaintedAsync(canvas), Is.EqualTo(painted));

        // Filled while a worker draws: its picture waits for room
        using JobHold hold = stack.Holds.AtStep(1);
        await page.GetByText("Picture from words").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await hold.ReachedAsync(token);
        disk.Fill();
        hold.Release();
        ILocator run = page.Locator(".run").First;
        await Assertions.Expect(run).ToContainTextAsync("No worker is running");
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a pear that is kept");
        disk.MakeRoom();
        await Assertions.Expect(run).ToHaveAttributeAsync("data-state", "succeeded");
        await Assertions.Expect(run.Locator("figure img").First).ToHaveJSPropertyAsync("complete", true);
    }

    [Test, CancelAfter(300_000)]
    public async Task Api_KilledAndStartedInMidJob_GoesOnWithTheSessionAndTheJob(CancellationToken token)
    {
        await using TestStack stack = await TestStack.StartAsync();
        await using Visitor visitor = await Visitor.ComeAsync(stack);
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a boat");
        using JobHold hold = stack.Holds.AtStep(3);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await hold.ReachedAsync(token);
        await stack.Stack.ProcessOf("api").KillAsync(token);
        await Assertions.Expect(page.Locator(".away")).ToContainTextAsync("does not answer");
        await stack.Stack.UpAsync(null, token);
        hold.Release();

        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "succeeded");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Sign out" })).ToBeVisibleAsync();
    }
}
