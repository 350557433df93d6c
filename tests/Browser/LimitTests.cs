using System.Globalization;
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
        window.longScripts = [];
        new PerformanceObserver((list) => list.getEntries().forEach((frame) => frame.scripts.forEach(
          ({ invoker, duration, forcedStyleAndLayoutDuration: layout }) => window.longScripts.push(
            `${invoker.split('/').pop()} ${Math.round(duration)} ms, ${Math.round(layout)} of layout, of ${Math.round(frame.duration)}`))))
          .observe({ type: 'long-animation-frame', buffered: true });
        """;

    [Test, CancelAfter(240_000)]
    public async Task FirstView_OnAColdCache_IsSmall()
    {
        // Nobody has asked this server for anything yet, and then somebody has: a browser's cache is cold both times
        foreach (string server in (string[])["cold", "warm"])
        {
            (double bytes, double usable, string calls) = await FirstViewAsync();
            await TestContext.Out.WriteLineAsync(
                $"{server} server: {bytes:0} bytes; one could type {usable:0} ms after the page was asked for; ms of: {calls}."
            );
            Assert.That(bytes, Is.GreaterThan(10_000).And.LessThan(150_000));
        }
    }

    private static async Task<(double Bytes, double Usable, string Calls)> FirstViewAsync()
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
        return (bytes, usable, calls);
    }

    [Test, CancelAfter(600_000)]
    public async Task Jobs_TenThousandInTheList_DrawWhatIsInSight(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        string key = await GalleryTests.SeedAsync(visitor.Stack, ManyJobs, token);
        IPage page = (await visitor.SignedInAsync("account", key)).Page;
        int pages = 0;
        page.Request += (_, request) => pages += request.Url.Contains("/v1/jobs?", StringComparison.Ordinal) ? 1 : 0;
        await page.EvaluateAsync(WatchTasks);
        await visitor.GoAsync("jobs");
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
            $"{pages} calls, {most} cells and {elements} elements at most; "
                + $"{tasks.Length} tasks over 50 ms, the longest of {tasks.DefaultIfEmpty().Max()} ms."
        );
        Assert.That(await list.GetAttributeAsync("data-count"), Is.EqualTo($"{ManyJobs}"));
        Assert.That(most, Is.LessThan(MostCells));
        Assert.That(elements, Is.LessThan(1500));
        // A page of a hundred once each, and its newest again and again
        Assert.That(pages, Is.GreaterThanOrEqualTo(ManyJobs / 100));
    }

    [Test, CancelAfter(600_000)]
    public async Task Gallery_OfAHundredThousand_JumpsToADayByOneCall(CancellationToken token)
    {
        const int Many = 100_000;
        await using Visitor visitor = await Visitor.ComeAsync();
        string key = await GalleryTests.SeedAsync(visitor.Stack, Many, token);
        IPage page = (await visitor.SignedInAsync("account", key)).Page;
        int calls = 0;
        page.Request += (_, request) => calls += request.Url.Contains("/v1/jobs?", StringComparison.Ordinal) ? 1 : 0;
        await page.EvaluateAsync(WatchTasks);
        await visitor.GoAsync("gallery");
        ILocator list = page.Locator("ul.virtual");
        ILocator open = list.GetByRole(AriaRole.Button);
        await Assertions.Expect(open.First).ToHaveAccessibleNameAsync("Open: number 0");
        const int Pages = 20;
        while (int.Parse((await list.GetAttributeAsync("data-count"))!, CultureInfo.InvariantCulture) < Pages * 100)
        {
            await page.EvaluateAsync("scrollTo(0, document.documentElement.scrollHeight)");
            Assert.That(await list.Locator("li").CountAsync(), Is.LessThan(MostCells));
        }

        Assert.That(calls, Is.InRange(Pages, Pages + 2));
        foreach (int days in new[] { 3, 10, 6 })
        {
            // The first job that was submitted before the end of that day
            string day = DateTime.UtcNow.AddDays(-days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            double seconds = await page.EvaluateAsync<double>(
                """
                async (day) => {
                  const newest = await (await fetch('/v1/jobs?limit=1&state=succeeded')).json();
                  return (Date.parse(newest.data[0].created_at) - Date.parse(`${day}T23:59:59.999`)) / 1000;
                }
                """,
                day
            );
            int number = (int)Math.Ceiling(seconds / GalleryTests.SeedSeconds);
            calls = 0;
            await page.GetByLabel("Until").FillAsync(day);
            await Assertions.Expect(open.First).ToHaveAccessibleNameAsync($"Open: number {number}");
            await Assertions.Expect(open.Nth(20)).ToHaveAccessibleNameAsync($"Open: number {number + 20}");
            Assert.That(calls, Is.InRange(1, 2));
            Assert.That(await list.Locator("li").CountAsync(), Is.LessThan(MostCells));
        }

        int[] tasks = await page.EvaluateAsync<int[]>("window.longTasks");
        string scripts = await page.EvaluateAsync<string>("window.longScripts.join('; ')");
        await TestContext.Out.WriteLineAsync(
            $"{tasks.Length} tasks over 50 ms, the longest of {tasks.DefaultIfEmpty().Max()} ms; frames that scripts held up: {scripts}."
        );
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
