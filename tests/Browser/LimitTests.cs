using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>
/// What the page may take: bytes, elements and calls, which do not depend on the machine. Times are printed and not judged, as a test
/// that looks at the clock fails where others have the processor.
/// </summary>
public sealed class LimitTests
{
    private const int ManyJobs = 10_000;

    /// <summary>More than so many cells no screen has in sight.</summary>
    private const int MostCells = 150;

    /// <summary>Tells of tasks that held the page up for more than 50 ms.</summary>
    private const string WatchTasks = """
        window.longTasks = [];
        new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((entry) => Math.round(entry.duration))))
          .observe({ type: 'longtask', buffered: true });
        """;

    [Test, CancelAfter(240_000)]
    public async Task FirstView_OnAColdCache_IsSmall(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        ICDPSession cdp = await visitor.Context.NewCDPSessionAsync(visitor.Page);
        await cdp.SendAsync("Network.enable");
        double bytes = 0;
        cdp.Event("Network.loadingFinished").OnEvent += (_, data) => bytes += data!.Value.GetProperty("encodedDataLength").GetDouble();
        await visitor.Page.AddInitScriptAsync(
            """
            new MutationObserver((_, observer) => {
              if (document.querySelector('[data-field=prompt] textarea')) {
                observer.disconnect();
                window.usable = performance.now();
              }
            }).observe(document, { subtree: true, childList: true });
            """
        );
        await visitor.SignedInAsync();
        await visitor.Page.GetByLabel("Prompt", new() { Exact = true }).WaitForAsync();
        double usable = await visitor.Page.EvaluateAsync<double>("window.usable");

        string calls = await visitor.Page.EvaluateAsync<string>(
            """
            performance.getEntriesByType('resource').filter(({ name }) => !name.includes('/app/') || name.includes('main.js'))
              .map(({ name, startTime, responseEnd }) => `${new URL(name).pathname} ${Math.round(startTime)}-${Math.round(responseEnd)}`)
              .join(', ')
            """
        );
        await TestContext.Out.WriteLineAsync(
            $"{bytes:0} bytes; one could type {usable:0} ms after the page was asked for; ms of: {calls}."
        );
        Assert.That(bytes, Is.GreaterThan(10_000).And.LessThan(150_000));
    }

    [Test, CancelAfter(600_000)]
    public async Task Lists_OfThousands_DrawWhatIsInSightAndAskForEachPageOnce(
        [Values("jobs", "gallery")] string view,
        CancellationToken token
    )
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        string key = await GalleryTests.SeedAsync(visitor.Stack, ManyJobs, token);
        IPage page = (await visitor.SignedInAsync("account", key)).Page;
        int pages = 0;
        page.Request += (_, request) => pages += request.Url.Contains("/v1/jobs?", StringComparison.Ordinal) ? 1 : 0;
        await page.EvaluateAsync(WatchTasks);
        await visitor.GoAsync(view);
        ILocator list = page.Locator("ul.virtual");
        await Assertions.Expect(list.Locator("li").First).ToBeVisibleAsync();
        int most = 0;
        while (await list.GetAttributeAsync("aria-busy") == "true")
        {
            await page.EvaluateAsync("scrollTo(0, document.documentElement.scrollHeight)");
            most = Math.Max(most, await list.Locator("li").CountAsync());
        }

        int elements = await page.Locator("*").CountAsync();
        int[] tasks = await page.EvaluateAsync<int[]>("window.longTasks");
        await TestContext.Out.WriteLineAsync(
            $"{view}: {pages} calls, {most} cells and {elements} elements at most; "
                + $"{tasks.Length} tasks over 50 ms, the longest of {tasks.DefaultIfEmpty().Max()} ms."
        );
        Assert.That(await list.GetAttributeAsync("data-count"), Is.EqualTo($"{ManyJobs}"));
        Assert.That(most, Is.LessThan(MostCells));
        Assert.That(elements, Is.LessThan(1500));
        // A page of a hundred once each; the list of jobs looks at its newest again and again
        Assert.That(pages, view == "gallery" ? Is.EqualTo(ManyJobs / 100) : Is.GreaterThanOrEqualTo(ManyJobs / 100));
    }

    [Test, CancelAfter(240_000)]
    public async Task Preview_OfAStep_ComesOnTheScreen(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        await visitor.Page.AddInitScriptAsync(
            """
            window.told = new Map();
            window.shown = new Map();
            const add = EventSource.prototype.addEventListener;
            EventSource.prototype.addEventListener = function (name, handle) {
              add.call(this, name, (event) => {
                const { preview } = JSON.parse(event.data);
                if (name === 'progress' && preview && !window.told.has(preview)) { window.told.set(preview, performance.now()); }
                handle(event);
              });
            };
            document.addEventListener('load', ({ target }) => {
              if (target.matches?.('img.preview')) {
                requestAnimationFrame(() => window.shown.set(target.getAttribute('src'), performance.now()));
              }
            }, true);
            """
        );
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a big whale in the sea");
        await page.GetByLabel("Steps").FillAsync("60");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "succeeded");
        double[] delays = await page.EvaluateAsync<double[]>(
            "[...window.shown].filter(([preview]) => window.told.has(preview)).map(([preview, at]) => at - window.told.get(preview))"
        );

        await TestContext.Out.WriteLineAsync(
            $"{delays.Length} previews, each {string.Join(", ", delays.Select(delay => $"{delay:0}"))} ms after it was told of."
        );
        Assert.That(delays, Is.Not.Empty);
    }
}
