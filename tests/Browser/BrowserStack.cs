using System.Collections.Concurrent;
using Generation.Hosting;
using Generation.TestSupport;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>The stack of all fixtures, with a worker and the model that travels with the project, and the system's Chromium.</summary>
[SetUpFixture]
public sealed class BrowserStack
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private static readonly Lazy<Task<TestStack>> StartedStack = new(() => TestStack.StartAsync(ownServers: false));

    private static readonly Lazy<Task<IBrowser>> StartedBrowser = new(StartAsync);

    private static IPlaywright? s_playwright;

    /// <summary>Where pictures of the page are kept.</summary>
    public static string Screenshots { get; } =
        Directory.CreateDirectory(Path.Combine(Clone.Current.Root, "artifacts", "browser")).FullName;

    /// <summary>The stack.</summary>
    public static Task<TestStack> StackAsync() => StartedStack.Value;

    /// <summary>The browser.</summary>
    public static Task<IBrowser> BrowserAsync() => StartedBrowser.Value;

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (StartedBrowser.IsValueCreated)
        {
            await (await StartedBrowser.Value).DisposeAsync();
            s_playwright?.Dispose();
        }

        if (StartedStack.IsValueCreated)
        {
            await (await StartedStack.Value).DisposeAsync();
        }
    }

    private static async Task<IBrowser> StartAsync()
    {
        string chromium = Array.Find(Places, File.Exists)
            ?? throw new InvalidOperationException("Chromium is missing; ./generation test installs it. As root: apt-get install chromium");
        s_playwright = await Playwright.CreateAsync();
        // As long as a machine under load takes
        Assertions.SetDefaultExpectTimeout(120_000);
        return await s_playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = chromium });
    }
}

/// <summary>A person at the page: a browser without a past, whose complaints fail the test.</summary>
public sealed class Visitor : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _complaints = [];

    private Visitor(TestStack stack, IBrowserContext context, IPage page)
    {
        (Stack, _context, Page) = (stack, context, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Enqueue(message.Text);
            }
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
    }

    public TestStack Stack { get; }

    public IPage Page { get; }

    public IBrowserContext Context => _context;

    /// <summary>What the browser complained of: errors of scripts, calls that failed, violations of the page's policy.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    public static async Task<Visitor> ComeAsync(
        TestStack? stack = null,
        string language = "en-US",
        ColorScheme colours = ColorScheme.Light,
        int width = 1280,
        int height = 900,
        bool isTouch = false
    )
    {
        IBrowserContext context = await (await BrowserStack.BrowserAsync()).NewContextAsync(
            new BrowserNewContextOptions
            {
                Locale = language,
                ColorScheme = colours,
                ReducedMotion = ReducedMotion.Reduce,
                ViewportSize = new ViewportSize { Width = width, Height = height },
                HasTouch = isTouch,
            }
        );
        context.SetDefaultTimeout(60_000);
        return new Visitor(stack ?? await BrowserStack.StackAsync(), context, await context.NewPageAsync());
    }

    /// <summary>Comes signed in with a key, else with the stack's first one.</summary>
    public async Task<Visitor> SignedInAsync(string view = "", string? key = null)
    {
        using var api = new RestClient(Stack.Stack.Url, key ?? Stack.Stack.Key);
        await Page.GotoAsync((await api.PageLinkAsync(CancellationToken.None)).AbsoluteUri);
        await Page.Locator("main[data-view]").WaitForAsync();
        if (view.Length > 0)
        {
            await GoAsync(view);
        }

        return this;
    }

    /// <summary>Goes to a view, as its address says.</summary>
    public Task GoAsync(string view) => Page.EvaluateAsync($"location.hash = '#/{view}'");

    /// <summary>Keeps a picture of the whole page.</summary>
    public Task ShootAsync(string name) =>
        Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(BrowserStack.Screenshots, name + ".png"), FullPage = true });

    public async ValueTask DisposeAsync()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == NUnit.Framework.Interfaces.TestStatus.Failed)
        {
            await ShootAsync("failed-" + string.Concat(TestContext.CurrentContext.Test.Name.Where(char.IsLetterOrDigit)));
            await TestContext.Out.WriteLineAsync(string.Join('\n', _complaints));
        }

        await _context.DisposeAsync();
    }
}
