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
