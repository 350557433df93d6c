using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Generation.TestSupport;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>Signing in and out, and what ends a session.</summary>
public sealed class SessionTests
{
    [Test, CancelAfter(240_000)]
    public async Task Key_PastedOnce_SignsInUntilSignOut(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = visitor.Page;
        string key = visitor.Stack.Stack.Key;
        await page.GotoAsync(visitor.Stack.Stack.Url);
        await page.GetByLabel("Your key").FillAsync("gk_wrong");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("no whole key");
        await page.GetByLabel("Your key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).WaitForAsync();

        // No script can read it, and nothing holds it
        string held = await page.EvaluateAsync<string>("document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })");
        Assert.That(held, Does.Not.Contain("session").And.Not.Contain(key));
        BrowserContextCookiesResult cookie = (await visitor.Context.CookiesAsync()).Single();
        Assert.That((cookie.HttpOnly, cookie.SameSite), Is.EqualTo((true, SameSiteAttribute.Strict)));
        Assert.That(cookie.Value, Does.Not.Contain(key));

        await page.ReloadAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GetByLabel("Your key").WaitForAsync();
        await page.ReloadAsync();
        await page.GetByLabel("Your key").WaitForAsync();
    }

    [Test, CancelAfter(240_000)]
    public async Task Link_OpensThePageSignedIn_Once(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        string link = (await visitor.Stack.Api.PageLinkAsync(token)).AbsoluteUri;
        await visitor.Page.GotoAsync(link);
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).WaitForAsync();
        Assert.That(visitor.Page.Url, Does.Not.Contain("open="));
        Assert.That(visitor.Complaints, Is.Empty);

        await using Visitor second = await Visitor.ComeAsync();
        await second.Page.GotoAsync(link);
        await Assertions.Expect(second.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("opened before");
    }

    [Test, CancelAfter(240_000)]
    public async Task Key_RevokedElsewhere_EndsTheSessionAndKeepsWhatWasTyped(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        (string key, string id, _) = await NewKeyAsync(visitor.Stack, token);
        IPage page = (await visitor.SignedInAsync("make", key)).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a fox that is kept");
        using HttpResponseMessage revoked = await visitor.Stack.Api.Http.DeleteAsync(
            new Uri($"/v1/admin/keys/{id}", UriKind.Relative),
            token
        );
        revoked.EnsureSuccessStatusCode();

        ILocator dialog = page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog).ToContainTextAsync("Your session has ended");
        (string another, _, _) = await NewKeyAsync(visitor.Stack, token);
        await dialog.GetByLabel("Your key").FillAsync(another);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(dialog).ToBeHiddenAsync();
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a fox that is kept");
    }

    /// <summary>A key of the first account that may make jobs.</summary>
    internal static async Task<(string Key, string Id, string Account)> NewKeyAsync(TestStack stack, CancellationToken token)
    {
        string account = (string)(await stack.Api.GetAsync("/v1/account", token))!["id"]!;
        using HttpResponseMessage answer = await stack.Api.Http.PostAsJsonAsync(
            $"/v1/admin/accounts/{account}/keys",
            new { name = "browser", scopes = (string[])["jobs"] },
            token
        );
        await RestClient.ThrowIfRefusedAsync(answer, token);
        JsonNode made = (await answer.Content.ReadFromJsonAsync<JsonNode>(token))!;
        return ((string)made["key"]!, (string)(made["info"] ?? made)["id"]!, account);
    }
}
