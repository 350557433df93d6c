using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>What people do with their own account, and with the API's description while they are signed in.</summary>
public sealed class AccountTests
{
    [Test, CancelAfter(240_000)]
    public async Task Key_OfOnesOwn_IsMadeUsedAndRevoked(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        (string first, _, _) = await SessionTests.NewKeyAsync(visitor.Stack, token);
        IPage page = (await visitor.SignedInAsync("account", first)).Page;
        // The session's key has no more to give
        await Assertions.Expect(page.GetByLabel("Make pictures, look at jobs and money")).ToBeCheckedAsync();
        await Assertions.Expect(page.GetByLabel("Everything, for operators")).ToHaveCountAsync(0);
        string name = $"laptop {Guid.NewGuid():N}";
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await page.GetByLabel("Expires after days").FillAsync("7");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make key" }).ClickAsync();
        string key = await page.Locator(".secret").InnerTextAsync();

        await using Visitor other = await Visitor.ComeAsync(visitor.Stack);
        await other.SignedInAsync("account", key);
        ILocator own = other.Page.Locator("tr[data-key]", new() { HasText = name });
        await Assertions.Expect(own).ToContainTextAsync("this one");
        await page.GetByRole(AriaRole.Button, new() { Name = $"Revoke {name}" }).ClickAsync();
        await Assertions.Expect(page.Locator("tr[data-key]", new() { HasText = name })).ToContainTextAsync("revoked");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Your session has ended");
        Assert.That(visitor.Complaints, Is.Empty);
    }

    [TestCase("Account-getAccount", "account", "\"balance\"")]
    [TestCase("Jobs-text2img-estimate", "text2img/estimate", "\"cost\"")]
    [CancelAfter(240_000)]
    public async Task Docs_ForWhoeverIsSignedIn_AreTriedWithoutAKey(string call, string path, string told, CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GotoAsync($"{visitor.Stack.Stack.Url}/docs/index.html");
        ILocator operation = page.Locator($"#operations-{call}");
        await operation.Locator(".opblock-summary-control").ClickAsync();
        await operation.GetByRole(AriaRole.Button, new() { Name = "Try it out" }).ClickAsync();
        await operation.GetByRole(AriaRole.Button, new() { Name = "Execute" }).ClickAsync();

        await Assertions.Expect(operation.Locator(".live-responses-table .response-col_status").Last).ToContainTextAsync("200");
        await Assertions.Expect(operation.Locator(".live-responses-table")).ToContainTextAsync(told);
        // The key stands nowhere, also not in the call that is shown
        Assert.That(await page.ContentAsync(), Does.Contain(path).And.Not.Contain(visitor.Stack.Stack.Key));
    }
}
