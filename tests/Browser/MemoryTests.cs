using System.Text.Json;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>Whoever makes pictures all day has a page that is no larger in the evening.</summary>
public sealed class MemoryTests
{
    /// <summary>The page shows its newest so many jobs.</summary>
    private const int Shown = 20;

    /// <summary>
    /// The list is full, and each in it has taken another's place several times: a browser keeps about as much as is shown of what was
    /// on a page before, and no more.
    /// </summary>
    private const int WarmUp = 5 * Shown;

    private const int Pictures = 200;

    /// <summary>Sends the form so many times, each time when the picture before is there.</summary>
    private const string MakeMany = """
        async (count) => {
          const button = document.querySelector('.form .send button.first');
          // An observer of mutations would itself keep what is taken from the document
          const changed = async (isThere) => {
            while (!isThere()) {
              await new Promise((resolve) => setTimeout(resolve, 10));
            }
          };
          for (let made = 0; made < count; made++) {
            const before = document.querySelector('.run')?.dataset.job;
            button.click();
            await changed(() => {
              const run = document.querySelector('.run');
              return run && run.dataset.job && run.dataset.job !== before && !['queued', 'running'].includes(run.dataset.state);
            });
          }

          return [...document.querySelectorAll('.run')].map((run) => run.dataset.state);
        }
        """;

    [Test, CancelAfter(600_000)]
    public async Task Page_AfterTwoHundredPictures_TakesNoMoreMemory(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make", await GalleryTests.NewAccountAsync(visitor.Stack, token))).Page;
        ICDPSession cdp = await visitor.Context.NewCDPSessionAsync(page);
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("a small cat");
        await page.GetByLabel("Steps").FillAsync("1");
        await page.GetByLabel("Width").FillAsync("64");
        await page.GetByLabel("Height").FillAsync("64");

        await page.EvaluateAsync<string[]>(MakeMany, WarmUp);
        Taken before = await TakenAsync();
        string[] states = await page.EvaluateAsync<string[]>(MakeMany, Pictures - WarmUp);
        Taken after = await TakenAsync();

        await TestContext.Out.WriteLineAsync($"After {WarmUp} pictures {before}; after {Pictures} {after}.");
        Assert.That(states, Has.Length.EqualTo(Shown).And.All.EqualTo("succeeded"));
        Assert.That(after.Heap, Is.LessThan(before.Heap * 1.1));
        Assert.That(after.Nodes, Is.LessThan(before.Nodes * 1.1));
        Assert.That(after.Listeners, Is.LessThan(before.Listeners * 1.1));

        async Task<Taken> TakenAsync()
        {
            // What only waits to be collected is not kept
            for (int i = 0; i < 3; i++)
            {
                await cdp.SendAsync("HeapProfiler.collectGarbage");
            }

            JsonElement heap = (await cdp.SendAsync("Runtime.getHeapUsage"))!.Value;
            JsonElement counters = (await cdp.SendAsync("Memory.getDOMCounters"))!.Value;
            return new Taken(
                heap.GetProperty("usedSize").GetDouble(),
                counters.GetProperty("nodes").GetInt32(),
                counters.GetProperty("jsEventListeners").GetInt32()
            );
        }
    }

    /// <summary>What a page takes.</summary>
    /// <param name="Heap">Bytes of its scripts' values.</param>
    /// <param name="Nodes">Elements and texts, also those that are in no document any more and that a script keeps.</param>
    /// <param name="Listeners">Functions that listen to events.</param>
    private sealed record Taken(double Heap, int Nodes, int Listeners);
}
