using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>Every view by the rules of WCAG 2.2 AA, as far as a program can tell: narrow and wide, light and dark.</summary>
public sealed class AccessibilityTests
{
    private static readonly string[] Rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

    /// <summary>The views, by their address; "" is the sign-in.</summary>
    private static readonly string[] Views = ["", "make", "gallery", "jobs", "account", "operations", "accounts"];

    [Test, CancelAfter(240_000)]
    public async Task View_InEveryDress_BreaksNoRule(
        [ValueSource(nameof(Views))] string view,
        [Values(ColorScheme.Light, ColorScheme.Dark)] ColorScheme colours,
        [Values(320, 1440)] int width,
        CancellationToken token
    )
    {
        await using Visitor visitor = await Visitor.ComeAsync(language: width == 320 ? "de-DE" : "en-US", colours: colours, width: width);
        IPage page = visitor.Page;
        if (view.Length == 0)
        {
            await page.GotoAsync(visitor.Stack.Stack.Url);
            await page.Locator("#key").WaitForAsync();
        }
        else
        {
            await visitor.SignedInAsync(view);
            await page.Locator("main[data-view=" + view + "][aria-busy=false]").WaitForAsync();
        }

        // What can be opened in a view is looked at, too
        await page.EvaluateAsync("document.querySelectorAll('details').forEach((details) => (details.open = true))");
        AxeResult result = await page.RunAxe(
            new AxeRunOptions
            {
                RunOnly = new RunOnlyOptions { Type = "tag", Values = [.. Rules] },
            }
        );
        await visitor.ShootAsync($"{(view.Length == 0 ? "sign-in" : view)}-{width}-{colours}".ToLowerInvariant());

        Assert.That(
            result.Violations.Select(fault => $"{fault.Id}: {fault.Help}: {string.Join(" | ", fault.Nodes.Select(node => node.Html))}"),
            Is.Empty
        );
        // Nothing is wider than the screen
        Assert.That(await page.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.LessThanOrEqualTo(width));
        Assert.That(visitor.Complaints, Is.Empty);
    }

    [Test, CancelAfter(120_000)]
    public async Task Languages_HaveTheSameTexts(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        await visitor.Page.GotoAsync(visitor.Stack.Stack.Url);
        string[][] names = await visitor.Page.EvaluateAsync<string[][]>(
            """
            async () => {
              const folder = document.querySelector('script[type=module]').src.replace('main.js', 'texts/');
              const files = await Promise.all(['en', 'de'].map((language) => import(`${folder}${language}.js`)));
              return files.map((file) => Object.keys(file.default).sort());
            }
            """
        );

        Assert.That(names[0], Is.Not.Empty);
        Assert.That(names[1], Is.EqualTo(names[0]));
    }

    [TestCase("de-DE", "Ihr Schlüssel", "de")]
    [TestCase("en-GB", "Your key", "en")]
    [TestCase("fr-FR", "Your key", "en")]
    [CancelAfter(120_000)]
    public async Task Language_IsTheBrowsers(string language, string label, string told, CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync(language: language);
        await visitor.Page.GotoAsync(visitor.Stack.Stack.Url);
        await visitor.Page.GetByLabel(label).WaitForAsync();

        Assert.That(await visitor.Page.Locator("html").GetAttributeAsync("lang"), Is.EqualTo(told));
    }
}
