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
    public async Task Store_ThatTakesNothing_IsToldAndTheUploadComesWhenItDoes(CancellationToken token)
    {
        await using TestStack stack = await TestStack.StartAsync();
        await using Visitor visitor = await Visitor.ComeAsync(stack);
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Picture from a picture").ClickAsync();
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a pear that is kept");
        // A file in the place of its folder: nothing can be stored, as on a disk that is full
        string folder = stack.Stack.Folder.Results;
        Directory.Move(folder, folder + ".away");
        await File.WriteAllTextAsync(folder, "", token);
        await page.Locator("[data-field=image] input").SetInputFilesAsync(Path.Combine(Clone.Current.Root, "docs", "apple.png"));
        await Assertions.Expect(page.Locator(".away p")).ToBeVisibleAsync();
        File.Delete(folder);
        Directory.Move(folder + ".away", folder);

        await Assertions.Expect(page.GetByAltText("The chosen picture, 256 × 256")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".away p")).ToHaveCountAsync(0);
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a pear that is kept");
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
