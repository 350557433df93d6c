using System.Text.Json.Nodes;
using Generation.Contracts;
using Microsoft.Playwright;

namespace Generation.Browser.Tests;

/// <summary>The form's fields, and what is kept of it.</summary>
public sealed class FormTests
{
    /// <summary>The mean of a picture's points, if each is black or white; else -1.</summary>
    private const string Brightness = """
        (image) => {
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext('2d');
          context.drawImage(image, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          let sum = 0;
          for (let i = 0; i < data.length; i += 4) {
            if (data[i] !== 0 && data[i] !== 255) { return -1; }
            sum += data[i];
          }
          return Math.ceil(sum / (data.length / 4));
        }
        """;

    [Test, CancelAfter(240_000)]
    public async Task Preset_SavedRenamedAndReadFromItsFile_FillsTheForm(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        ILocator prompt = page.GetByLabel("Prompt", new() { Exact = true });
        await prompt.FillAsync("{prompt}, oil on canvas");
        await page.GetByLabel("Steps").FillAsync("9");
        await page.GetByText("Presets").ClickAsync();
        await page.GetByLabel("Name of the preset").FillAsync("<b>oil</b>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await page.GetByLabel("Name of the preset").FillAsync("Oil");
        await page.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await Assertions.Expect(page.Locator("#preset option")).ToHaveTextAsync(["Choose …", "Oil"]);
        IDownload file = await page.RunAndWaitForDownloadAsync(() =>
            page.GetByRole(AriaRole.Button, new() { Name = "Save all as a file" }).ClickAsync()
        );

        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(page.Locator("#preset")).ToHaveCountAsync(0);
        await page.GetByLabel("Read from a file").SetInputFilesAsync(await file.PathAsync());
        // Kept in the browser: also a page that is loaded anew has it
        await Assertions.Expect(page.Locator("#preset option")).ToHaveCountAsync(2);
        await page.ReloadAsync();
        await prompt.FillAsync("a quince");
        await page.GetByLabel("Steps").FillAsync("3");
        await page.GetByText("Presets").ClickAsync();
        await page.GetByLabel("Preset", new() { Exact = true }).SelectOptionAsync("Oil");
        await page.GetByRole(AriaRole.Button, new() { Name = "Use" }).ClickAsync();

        await Assertions.Expect(prompt).ToHaveValueAsync("a quince, oil on canvas");
        await Assertions.Expect(page.GetByLabel("Steps")).ToHaveValueAsync("9");
        Assert.That(visitor.Complaints, Is.Empty);
    }

    [TestCase("no JSON")]
    [TestCase("[{\"name\": \"x\", \"kind\": \"text2img\", \"model\": \"\", \"values\": {\"prompt\": 7}}]")]
    [CancelAfter(240_000)]
    public async Task FileOfNoPresets_IsRefused(string text, CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.GetByText("Presets").ClickAsync();
        await page.GetByLabel("Read from a file")
            .SetInputFilesAsync(
                new FilePayload
                {
                    Name = "presets.json",
                    MimeType = "application/json",
                    Buffer = System.Text.Encoding.UTF8.GetBytes(text),
                }
            );

        await Assertions.Expect(page.Locator(".presets .error")).ToContainTextAsync("no file of presets");
        await Assertions.Expect(page.Locator("#preset")).ToHaveCountAsync(0);
    }

    [Test, CancelAfter(240_000)]
    public async Task Embedding_Chosen_StandsInThePromptWhereTheCursorIs(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        await WithModelAsync(visitor.Page, model =>
        {
            model["embeddings"] = new JsonArray("easynegative", "my-style");
            model["loras"] = new JsonArray("sketch");
        });
        IPage page = (await visitor.SignedInAsync("make")).Page;
        ILocator prompt = page.GetByLabel("Prompt", new() { Exact = true });
        await prompt.FillAsync("a house by night");
        await prompt.EvaluateAsync("(area) => area.setSelectionRange(7, 7)");
        await page.GetByLabel("Embedding for: Prompt", new() { Exact = true }).SelectOptionAsync("my-style");
        await page.GetByRole(AriaRole.Button, new() { Name = "Insert Embedding for: Prompt", Exact = true }).ClickAsync();
        await Assertions.Expect(prompt).ToHaveValueAsync("a house my-style by night");
        await page.GetByRole(AriaRole.Button, new() { Name = "Insert Embedding for: Negative prompt" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Negative prompt", new() { Exact = true })).ToHaveValueAsync("easynegative");

        // A LoRA has a slider
        await page.GetByRole(AriaRole.Button, new() { Name = "Add: LoRAs" }).ClickAsync();
        await page.GetByLabel("LoRA", new() { Exact = true }).SelectOptionAsync("sketch");
        await page.Locator("[data-field='loras.scale'] input[type=range]").FillAsync("0.6");
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy as …" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("The program")).ToContainTextAsync("\"scale\":0.6", new() { UseInnerText = true });
    }

    [Test, CancelAfter(240_000)]
    public async Task ControlPicture_IsShownAsTheNetworkIsShownIt(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        // A model with a control network, of which no worker is needed for this
        await visitor.Stack.ExecuteAsync(
            """
            insert into models (name, entry, updated_at)
            select 'guided', entry || '{"name": "guided", "kinds": ["controlnet"],
                "control_nets": [{"name": "Edges", "type": "canny", "path": "x"}]}', now()
            from models where name = 'demo' on conflict do nothing
            """,
            JobId.New(TimeProvider.System),
            token
        );
        try
        {
            IPage page = (await visitor.SignedInAsync("make")).Page;
            await page.GetByText("Guided by a picture").ClickAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "Add: Control pictures" }).ClickAsync();
            await page.Locator("[data-field='control.image'] input")
                .SetInputFilesAsync(Path.Combine(Hosting.Clone.Current.Root, "docs", "apple.png"));
            await page.GetByLabel("What is made of it first").SelectOptionAsync("canny");
            ILocator shown = page.GetByAltText("What the network is shown");
            await Assertions.Expect(shown).ToHaveJSPropertyAsync("naturalWidth", 64);
            // White lines on black, once the preprocessor's picture has taken the place of the first
            while (await shown.EvaluateAsync<int>(Brightness) is not (> 0 and < 128))
            {
                await Task.Delay(50, token);
            }

            Assert.That(visitor.Complaints, Is.Empty);
        }
        finally
        {
            await visitor.Stack.ExecuteAsync("delete from models where name = 'guided'", JobId.New(TimeProvider.System), token);
        }
    }

    /// <summary>Counted by the vocabulary that the worker stored of the demo model.</summary>
    [Test, CancelAfter(240_000)]
    public async Task Prompt_WhileItIsWritten_TellsItsTokensAndHowItIsRead(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync();
        IPage page = (await visitor.SignedInAsync("make")).Page;
        ILocator field = page.Locator("[data-field=prompt]");
        ILocator prompt = page.GetByLabel("Prompt", new() { Exact = true });
        await prompt.FillAsync("a (red:1.2) apple");
        await Assertions.Expect(field.Locator("p.tokens")).ToHaveTextAsync("3 / 75 tokens");
        await Assertions.Expect(prompt).ToHaveAccessibleDescriptionAsync("3 / 75 tokens");
        await Assertions.Expect(field.GetByRole(AriaRole.Status)).ToBeEmptyAsync();

        // The answer to what was written before must not come over this
        await prompt.FillAsync("an apple");
        await prompt.FillAsync("apple BREAK apple apple");
        await Assertions.Expect(field.Locator("p.tokens")).ToHaveTextAsync("3 / 75 tokens");
        await Assertions.Expect(field.GetByRole(AriaRole.Status)).ToHaveTextAsync("Longer than 75: read in 2 parts (1 + 2).");
        await prompt.FillAsync("");
        await Assertions.Expect(field.Locator("p.tokens")).ToBeEmptyAsync();
        await page.GetByLabel("Negative prompt").FillAsync("apple");
        await Assertions.Expect(page.Locator("[data-field=negative_prompt] p.tokens")).ToHaveTextAsync("1 / 75 tokens");
        Assert.That(visitor.Complaints, Is.Empty);
    }

    /// <summary>As FLUX reads prompts: two encoders, of which each cuts.</summary>
    [Test, CancelAfter(240_000)]
    public async Task Prompt_ThatIsCut_TellsInGermanWhatIsNotRead(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync(language: "de-DE");
        await visitor.Page.RouteAsync("**/v1/models/demo/tokens", route => route.FulfillAsync(
                new()
                {
                    ContentType = "application/json",
                    Body = """
                    {"model": "demo", "encoders": [
                      {"name": "text_encoder", "tokenizer": "clip", "counted": true, "limit": 75,
                       "prompt": {"tokens": 80, "chunks": [75], "cut": {"at": 9, "text": "und <b>mehr</b>"}}},
                      {"name": "text_encoder_2", "tokenizer": "t5", "counted": true, "limit": 511, "prompt": {"tokens": 90, "chunks": [90]}},
                      {"name": "text_encoder_3", "tokenizer": "clip", "counted": false}]}
                    """,
                }
            ));
        IPage page = (await visitor.SignedInAsync("make")).Page;
        await page.Locator("[data-field=prompt] textarea").FillAsync("Ein Apfel und <b>mehr</b>");
        await Assertions.Expect(page.Locator("[data-field=prompt] p.tokens")).ToHaveTextAsync("CLIP: 80 / 75 Token · T5: 90 / 511 Token");
        await Assertions.Expect(page.Locator("[data-field=prompt] .cut")).ToHaveTextAsync("⚠ CLIP: Nicht gelesen: und <b>mehr</b>");
    }

    /// <summary>What the page shows of a field in another language is in that language, of whatever kind.</summary>
    [Test, CancelAfter(240_000)]
    public async Task Fields_InGerman_AreTold(CancellationToken token)
    {
        await using Visitor visitor = await Visitor.ComeAsync(language: "de-DE");
        await WithModelAsync(visitor.Page, model =>
        {
            model["kinds"] = new JsonArray([.. Enum.GetValues<JobKind>().Select(kind => JsonValue.Create(WireName(kind)))]);
            model["control_types"] = new JsonArray("canny", "depth");
            model["loras"] = new JsonArray("sketch");
            model["vaes"] = new JsonArray("other");
            model["refiner"] = "demo";
            model["has_safety_checker"] = true;
            model["has_mask_finder"] = true;
        });
        IPage page = (await visitor.SignedInAsync("make")).Page;
        string[] untold = await page.EvaluateAsync<string[]>(
            """
            async () => {
              const folder = document.querySelector('script[type=module]').src.replace('main.js', '');
              const [{ catalogue, loadCatalogue }, { default: texts }] = await Promise.all(
                ['make/catalogue.js', 'texts/de.js'].map((name) => import(folder + name)));
              await loadCatalogue();
              const shownElsewhere = ['model'];
              const untold = new Set();
              const look = (fields, before) => fields.forEach((field) => {
                const path = before + field.name;
                if (!shownElsewhere.includes(path) && !(`fields.${path}` in texts)) {
                  untold.add(path);
                }

                look(field.fields ?? [], `${path}.`);
              });
              catalogue.value.kinds.forEach((kind) => look(kind.fields, ''));
              return [...untold];
            }
            """
        );
        Assert.That(untold, Is.Empty);

        string[] descriptions = await page.EvaluateAsync<string[]>(
            """
            async () => {
              const description = await (await fetch('/openapi/v1.json')).json();
              return Object.values(description.components.schemas)
                .flatMap((schema) => Object.values(schema.properties ?? {})).map((field) => field.description).filter(Boolean);
            }
            """
        );
        ILocator kinds = page.Locator(".kinds span");
        int count = await kinds.CountAsync();
        Assert.That(count, Is.EqualTo(Enum.GetValues<JobKind>().Length));
        for (int i = 0; i < count; i++)
        {
            await kinds.Nth(i).ClickAsync();
            // Everything that can be opened
            await page.EvaluateAsync(
                """
                () => {
                  document.querySelectorAll('.form details').forEach((details) => (details.open = true));
                  document.querySelectorAll('.form fieldset > label > input[type=checkbox]:not(:checked)').forEach((box) => box.click());
                  document.querySelectorAll('.form fieldset > button:last-child').forEach((button) => button.click());
                }
                """
            );
            IReadOnlyList<string> shown = await page.Locator("[data-field] p.quiet").AllInnerTextsAsync();
            Assert.That(shown.Intersect(descriptions), Is.Empty, await kinds.Nth(i).InnerTextAsync());
        }
    }

    private static string WireName(JobKind kind) => System.Text.Json.JsonSerializer.SerializeToElement(kind, WireJson.Options).GetString()!;

    /// <summary>Lets the page find more of the model than what travels with the project has.</summary>
    private static async Task WithModelAsync(IPage page, Action<JsonObject> change) => await page.RouteAsync("**/v1/models", async route =>
        {
            IAPIResponse answer = await route.FetchAsync();
            JsonObject models = JsonNode.Parse(await answer.TextAsync())!.AsObject();
            change(models["data"]!.AsArray().Single(model => (string?)model!["name"] == "demo")!.AsObject());
            await route.FulfillAsync(new RouteFulfillOptions { Response = answer, Body = models.ToJsonString() });
        });
}
