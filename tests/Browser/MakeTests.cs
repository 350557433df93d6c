using System.Text.Json.Nodes;
using Generation.TestSupport;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>The view in which pictures are made.</summary>
public sealed class MakeTests
{
    [Test, CancelAfter(240_000)]
    public async Task Prompt_ToPicture_WithPreviewOnTheWay(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a red apple on a blue background");
        await page.GetByLabel("Seed").FillAsync("3");
        await Assertions.Expect(page.Locator(".estimate")).ToContainTextAsync("credits");
        using JobHold hold = visitor.Stack.Holds.AtStep(12);
        using JobHold later = visitor.Stack.Holds.AtStep(20);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await hold.ReachedAsync(token);

        ILocator run = page.Locator(".run").First;
        await Assertions.Expect(run).ToContainTextAsync("Step 12 of 25");
        hold.Release();
        await later.ReachedAsync(token);
        // A preview that is stored after its step was told is seen with the next
        await Assertions.Expect(run.GetByAltText("Preview")).ToBeVisibleAsync();
        later.Release();
        ILocator picture = run.Locator("figure img").First;
        await Assertions.Expect(picture).ToHaveJSPropertyAsync("naturalWidth", 256);
        Assert.That(visitor.Complaints, Is.Empty);
    }

    [Test, CancelAfter(240_000)]
    public async Task Cancel_OfARunningJob_StopsIt(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a cat");
        using JobHold hold = visitor.Stack.Holds.AtStep(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        await hold.ReachedAsync(token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(page.Locator(".run").First).ToHaveAttributeAsync("data-state", "cancelled");
    }

    [Test, CancelAfter(240_000)]
    public async Task FieldAtFault_IsToldAtTheField(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a cat");
        await page.GetByLabel("Steps").FillAsync("5000");
        await Assertions.Expect(page.Locator("[data-field=num_inference_steps] .error")).ToContainTextAsync("150");
        await Assertions.Expect(page.GetByLabel("Steps")).ToHaveAttributeAsync("aria-invalid", "true");
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a cat");
    }

    [TestCase("<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>")]
    [TestCase("\"><svg onload=window.pwned=1>")]
    [CancelAfter(240_000)]
    public async Task Prompt_OfMarkup_IsShownAsWords(string prompt, CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync(prompt);
        await page.GetByLabel("Steps").FillAsync("1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make", Exact = true }).ClickAsync();
        ILocator run = page.Locator(".run").First;
        await Assertions.Expect(run).ToHaveAttributeAsync("data-state", "succeeded");

        await Assertions.Expect(run.Locator("h2")).ToHaveTextAsync(prompt);
        Assert.That(await page.EvaluateAsync<bool>("window.pwned === undefined"), Is.True);
    }

    [Test, CancelAfter(240_000)]
    public async Task Script_ThatSomebodyPutIn_DoesNotRun(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        JsonNode outcome = JsonNode.Parse(
            await page.EvaluateAsync<string>(
                """
                async () => {
                  const tries = {};
                  try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); tries.markup = 'ran'; }
                  catch { tries.markup = 'refused'; }
                  const script = document.createElement('script');
                  try { script.textContent = 'window.ran = 1'; document.body.append(script); } catch {}
                  const button = document.createElement('button');
                  button.setAttribute('class', 'x');
                  document.body.append(button);
                  try { button.setAttribute('onclick', 'window.ran = 1'); button.click(); } catch {}
                  try { await fetch('https://elsewhere.example/'); tries.call = 'made'; } catch { tries.call = 'refused'; }
                  await new Promise((resolve) => setTimeout(resolve, 100));
                  tries.ran = window.ran ?? 0;
                  return JSON.stringify(tries);
                }
                """
            )
        )!;

        Assert.That(((string)outcome["markup"]!, (string)outcome["call"]!, (int)outcome["ran"]!), Is.EqualTo(("refused", "refused", 0)));
    }
}
