using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.TestSupport;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>The lists of what was made and of what was asked for.</summary>
public sealed class GalleryTests
{
    private const int Many = 5000;

    /// <summary>Seconds between jobs that were seeded.</summary>
    internal const int SeedSeconds = 10;

    [Test, CancelAfter(240_000)]
    public async Task Gallery_OfThousands_DrawsWhatIsInSightAndComesToItsEnd(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        string key = await SeedAsync(visitor.Stack, Many, token);
        IPage page = (await visitor.SignedInAsync("gallery", key)).Page;
        ILocator list = page.Locator("ul.virtual");
        await Assertions.Expect(list.Locator("li").First).ToBeVisibleAsync();
        // To the end, page after page
        while (await list.GetAttributeAsync("aria-busy") == "true")
        {
            await page.EvaluateAsync("scrollTo(0, document.documentElement.scrollHeight)");
            await page.WaitForTimeoutAsync(50);
            Assert.That(await list.Locator("li").CountAsync(), Is.LessThan(150));
        }

        Assert.That(await list.GetAttributeAsync("data-count"), Is.EqualTo($"{Many}"));
        await page.EvaluateAsync("scrollTo(0, 0)");
        await page.GetByLabel("Words in the prompt").FillAsync("number 4999 ");
        await Assertions.Expect(list).ToHaveAttributeAsync("data-count", "1");
    }

    [Test, CancelAfter(240_000)]
    public async Task Picture_InTheGallery_IsOpenedMadeAgainAndDeleted(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        string key = await NewAccountAsync(visitor.Stack, token);
        using var api = new RestClient(visitor.Stack.Stack.Url, key);
        JobDocument job = await api.SubmitAsync(
            "text2img",
            new()
            {
                ["prompt"] = "a fish",
                ["num_inference_steps"] = 2,
                ["seed"] = 5,
            },
            token
        );
        while (!(await api.JobAsync(job.Id, token)).State.IsFinal())
        {
            await Task.Delay(100, token);
        }

        IPage page = (await visitor.SignedInAsync("gallery", key)).Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Open: a fish" }).ClickAsync();
        ILocator details = page.GetByRole(AriaRole.Dialog, new() { Name = "a fish" }).First;
        await Assertions.Expect(details).ToContainTextAsync("num inference steps");
        await details.GetByRole(AriaRole.Button, new() { Name = "Again", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Prompt", new() { Exact = true })).ToHaveValueAsync("a fish");
        await Assertions.Expect(page.GetByLabel("Seed")).ToHaveValueAsync("5");

        await visitor.GoAsync("gallery");
        await page.GetByLabel("Choose: a fish").CheckAsync();
        IDownload zip = await page.RunAndWaitForDownloadAsync(() =>
            page.GetByRole(AriaRole.Button, new() { Name = "Save as ZIP" }).ClickAsync()
        );
        using System.IO.Compression.ZipArchive archive = System.IO.Compression.ZipFile.OpenRead(await zip.PathAsync());
        Assert.That(archive.Entries.Single().Length, Is.EqualTo((await api.JobAsync(job.Id, token)).Outputs.Single().Bytes));
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(page.Locator("ul.virtual")).ToHaveAttributeAsync("data-count", "0");
        Assert.That((await api.JobAsync(job.Id, token)).OutputsDeletedAt, Is.Not.Null);
    }

    [Test, CancelAfter(240_000)]
    public async Task Job_InTheList_TellsWhatHappenedAndWhatItCost(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        string key = await NewAccountAsync(visitor.Stack, token);
        using var api = new RestClient(visitor.Stack.Stack.Url, key);
        IPage page = (await visitor.SignedInAsync("jobs", key)).Page;
        using JobHold hold = visitor.Stack.Holds.AtStep(2);
        JobDocument job = await api.SubmitAsync("text2img", new() { ["prompt"] = "a bear" }, token);
        await hold.ReachedAsync(token);

        // It comes by itself
        await page.GetByRole(AriaRole.Link, new() { Name = "a bear" }).ClickAsync();
        ILocator details = page.GetByRole(AriaRole.Dialog, new() { Name = "Job" });
        await Assertions.Expect(details).ToContainTextAsync("Step 2 of 25");
        await details.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(details).ToContainTextAsync("cancelled");
        await Assertions.Expect(details).ToContainTextAsync("charged");
        Assert.That((await api.JobAsync(job.Id, token)).State, Is.EqualTo(JobState.Cancelled));
    }

    /// <summary>A new account with credits, and its key.</summary>
    internal static async Task<string> NewAccountAsync(TestStack stack, CancellationToken token)
    {
        JsonNode account = await PostAsync(stack, "/v1/admin/accounts", new { name = $"gallery-{Guid.NewGuid():N}" }, token);
        string id = (string)(account["id"] ?? account["account"]!["id"])!;
        JsonNode key = await PostAsync(
            stack,
            $"/v1/admin/accounts/{id}/keys",
            new { name = "browser", scopes = (string[])["jobs"] },
            token
        );
        return (string)key["key"]!;
    }

    private static async Task<JsonNode> PostAsync(TestStack stack, string path, object body, CancellationToken token)
    {
        using HttpResponseMessage answer = await stack.Api.Http.PostAsJsonAsync(path, body, token);
        await RestClient.ThrowIfRefusedAsync(answer, token);
        return (await answer.Content.ReadFromJsonAsync<JsonNode>(token))!;
    }

    /// <summary>
    /// An account with thousands of finished jobs, all copies of one, each submitted <see cref="SeedSeconds"/> before the last: the oldest
    /// has the largest number in its prompt.
    /// </summary>
    internal static async Task<string> SeedAsync(TestStack stack, int count, CancellationToken token)
    {
        string key = await NewAccountAsync(stack, token);
        using var api = new RestClient(stack.Stack.Url, key);
        JobDocument job = await api.SubmitAsync("text2img", new() { ["prompt"] = "number 0 ", ["num_inference_steps"] = 1 }, token);
        while (!(await api.JobAsync(job.Id, token)).State.IsFinal())
        {
            await Task.Delay(100, token);
        }

        await stack.ExecuteAsync(
            $"""
            insert into jobs select (jsonb_populate_record(j, jsonb_build_object(
                'created_at', j.created_at - n * interval '{SeedSeconds} seconds',
                'id', lpad(to_hex((extract(epoch from j.created_at - n * interval '{SeedSeconds} seconds') * 1000)::bigint), 12, '0')
                    || '7' || left(md5(j.id || ' ' || n), 3) || '8' || right(md5(j.id || ' ' || n), 15), 'request', jsonb_set(j.request, array['prompt'], to_jsonb(format('number %s ', n)))))).*
                from jobs j, generate_series(1, {count - 1}) n where j.id = @id;
            insert into job_outputs select (jsonb_populate_record(o, jsonb_build_object('job_id', copy.id))).*
                from job_outputs o, jobs j, jobs copy
                where o.job_id = @id and j.id = @id and copy.account_id = j.account_id and copy.id <> j.id;
            """,
            job.Id,
            token
        );
        return key;
    }
}
