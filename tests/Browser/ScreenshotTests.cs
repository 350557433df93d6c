using Generation.Contracts;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>Makes the pictures of the page that README shows; docs/take-screenshots puts them there.</summary>
public sealed class ScreenshotTests
{
    private static readonly string[] Prompts =
    [
        "a red apple on a blue background",
        "a rocket in the night sky",
        "a lemon on a green background",
        "a yellow star on a blue background",
        "a cat",
        "a tree on a green background",
        "a boat on a blue background",
    ];

    [Test, CancelAfter(1_200_000)]
    public async Task Screenshots_ForReadme_AreTaken(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync(width: 1180, height: 820);
        foreach (string prompt in Prompts[1..])
        {
            JobDocument job = await visitor.Stack.SubmitAsync(prompt, token, seed: 3);
            await visitor.Stack.EndAsync(job.Id, token);
        }

        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync(Prompts[0]);
        await page.GetByLabel("Seed").FillAsync("3");
        await page.GetByLabel("Number of pictures").FillAsync("2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "succeeded", new() { Timeout = 300_000 });
        await ShootAsync(page, "page-make");
        await visitor.GoAsync("gallery");
        await page.Locator("ul.virtual[aria-busy=false]").WaitForAsync();
        await ShootAsync(page, "page-gallery");
        await visitor.GoAsync("operations");
        await page.Locator("canvas").First.WaitForAsync();
        await ShootAsync(page, "page-operations");
        foreach (string name in (string[])["page-make", "page-gallery", "page-operations"])
        {
            Assert.That(new FileInfo(PathOf(name)).Length, Is.GreaterThan(10_000), name);
        }
    }

    private static async Task ShootAsync(IPage page, string name)
    {
        await page.EvaluateAsync("scrollTo(0, 0)");
        // Pictures and charts are drawn when they have come; nothing says when the last has
        await page.WaitForTimeoutAsync(1_500);
        await page.ScreenshotAsync(
            new PageScreenshotOptions
            {
                Path = PathOf(name),
                Type = ScreenshotType.Jpeg,
                Quality = 80,
            }
        );
    }

    private static string PathOf(string name) => Path.Combine(BrowserStack.Screenshots, name + ".jpg");
}
