using Generation.TestSupport;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>The views of operators: what the system does, and what is done about it.</summary>
public sealed class OperationsTests
{
    [Test, CancelAfter(240_000)]
    public async Task Figures_WhileAJobRuns_Move(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("operations")).Page;
        await Assertions.Expect(page.Locator("[data-figure=running]")).ToHaveTextAsync("0");
        using JobHold hold = visitor.Stack.Holds.AtStep(2);
        await visitor.Stack.SubmitAsync("a cup of tea", token, steps: 4);
        await hold.ReachedAsync(token);

        await Assertions.Expect(page.Locator("[data-figure=running]")).ToHaveTextAsync("1");
        await Assertions.Expect(page.Locator("[data-worker]").First).ToContainTextAsync("1 / 1");
        hold.Release();
        await Assertions.Expect(page.Locator("[data-figure=running]")).ToHaveTextAsync("0");
        await Assertions.Expect(page.Locator(".chart canvas")).ToHaveCountAsync(3);
        Assert.That(visitor.Complaints, Is.Empty);
    }

    [Test, CancelAfter(240_000)]
    public async Task Worker_DrainedAndTakenBack_IsToldOnTop(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("operations")).Page;
        ILocator worker = page.Locator("[data-worker]").First;
        await worker.GetByRole(AriaRole.Button, new() { Name = "Drain" }).ClickAsync();

        await Assertions.Expect(worker).ToHaveAttributeAsync("data-state", "draining");
        await Assertions.Expect(page.Locator(".wrong")).ToContainTextAsync("is drained");
        await worker.GetByRole(AriaRole.Button, new() { Name = "Let it take jobs again" }).ClickAsync();
        await Assertions.Expect(worker).ToHaveAttributeAsync("data-state", "live");
        await Assertions.Expect(page.Locator(".wrong")).Not.ToContainTextAsync("is drained");
    }

    [Test, CancelAfter(240_000)]
    public async Task Model_PausedAndResumed_LetsItsJobsWaitAndRun(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("operations")).Page;
        ILocator model = page.Locator("tr[data-model=demo]");
        await model.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Assertions.Expect(model).ToHaveAttributeAsync("data-state", "paused");
        await Assertions.Expect(page.Locator(".wrong")).ToContainTextAsync("demo is paused");
        try
        {
            await visitor.GoAsync("make");
            await Assertions.Expect(page.Locator("main")).ToContainTextAsync("This model is paused by an operator");
            await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a pear that waits");
            await page.GetByLabel("Steps").FillAsync("2");
            await Assertions.Expect(page.Locator(".estimate")).ToContainTextAsync("paused by an operator");
            await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
            ILocator run = page.Locator(".run").First;
            await Assertions.Expect(run).ToContainTextAsync("paused by an operator");
            await Assertions.Expect(run).ToHaveAttributeAsync("data-state", "queued");

            await using Visitor german = await Visitor.ComeAsync(language: "de-DE");
            IPage other = (await german.SignedInAsync("make")).Page;
            await other.Locator("[data-field=prompt] textarea").FillAsync("a AND b");
            await Assertions.Expect(other.Locator(".estimate")).ToContainTextAsync("Das Modell demo ist vom Betreiber angehalten");
            await Assertions.Expect(other.Locator(".estimate")).ToContainTextAsync("Prompt: AND wird als Wort gelesen");
            await german.GoAsync("jobs");
            await other.GetByRole(AriaRole.Link, new() { Name = "a pear that waits" }).First.ClickAsync();
            await Assertions.Expect(other.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Das Modell demo ist vom Betreiber angehalten");
        }
        finally
        {
            await visitor.GoAsync("operations");
            await model.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
        }

        await Assertions.Expect(model).ToHaveAttributeAsync("data-state", "open");
        await visitor.GoAsync("make");
        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "succeeded");
    }

    [Test, CancelAfter(240_000)]
    public async Task AuditLog_Checked_SaysWhatWasFound(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("accounts")).Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Check the whole log" }).ClickAsync();

        await Assertions.Expect(page.Locator("[data-check=right]")).ToContainTextAsync("each as it was written");
    }

    [Test, CancelAfter(240_000)]
    public async Task Job_ThatIsNot_IsTold(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("operations")).Page;
        await page.GetByLabel("Id of the job").FillAsync("<b>nothing</b>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(page.Locator("section .error[role=status]")).ToBeVisibleAsync();
    }

    [Test, CancelAfter(240_000)]
    public async Task Account_MadeToppedUpAndGivenAKey_WorksUntilTheKeyIsRevoked(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("accounts")).Page;
        string name = $"<script>{Guid.NewGuid():N}</script>";
        await page.GetByLabel("Name of a new account").FillAsync(name);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make account" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = name }).ClickAsync();
        string before = await page.Locator("[data-figure=balance]").InnerTextAsync();
        await page.GetByLabel("Credits", new() { Exact = true }).FillAsync("100");
        await page.GetByLabel("Note").FillAsync("paid by bank");
        await page.GetByRole(AriaRole.Button, new() { Name = "Enter", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator("[data-figure=balance]")).Not.ToHaveTextAsync(before);

        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("laptop");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make key" }).ClickAsync();
        string key = await page.Locator(".secret").InnerTextAsync();
        await using Visitor owner = await Visitor.ComeAsync(visitor.Stack);
        await owner.SignedInAsync("account", key);
        await Assertions.Expect(owner.Page.Locator("main")).ToContainTextAsync(name);
        await Assertions.Expect(owner.Page.Locator("main")).ToContainTextAsync("paid by bank");
        await Assertions.Expect(owner.Page.GetByRole(AriaRole.Link, new() { Name = "Operations" })).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await Assertions.Expect(page.Locator("tr[data-key]")).ToContainTextAsync("revoked");
        await Assertions.Expect(owner.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("revoked");
        Assert.That(visitor.Complaints, Is.Empty);
    }
}
