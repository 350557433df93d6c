using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Storage.Workers;
using Generation.Tokenizers;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>The tokens of prompts, counted by the vocabularies that workers store.</summary>
public sealed class TokensTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        var clip = TokenizerFiles.Read(Path.Combine(Clone.Current.Root, "tests/Goldens/tokenizers/clip"));
        var t5 = TokenizerFiles.Read(Path.Combine(Clone.Current.Root, "tests/Goldens/tokenizers/t5"));
        var vocabularies = new Dictionary<string, byte[]>
        {
            [clip.Sha256()] = clip.Pack()!,
            [t5.Sha256()] = t5.Pack()!,
            [new string('d', 64)] = "no archive"u8.ToArray(),
        };
        ModelEntry[] models =
        [
            Model("stable", plain: false, new TextEncoderEntry("text_encoder", TokenizerKind.Clip, 77, clip.Sha256())) with
            {
                Embeddings = [new("ink-style", ApiScope.Demo.Family, 8), new("other", "elsewhere", 8)],
            },
            Model("published", plain: false, new TextEncoderEntry("text_encoder", TokenizerKind.Clip, 77)),
            Model(
                "plain",
                plain: true,
                new TextEncoderEntry("text_encoder", TokenizerKind.Clip, 77),
                new TextEncoderEntry("text_encoder_2", TokenizerKind.T5, 16, t5.Sha256())
            ),
            Model("absent", plain: false, new TextEncoderEntry("text_encoder", TokenizerKind.Clip, 77, new string('0', 64))),
            Model("damaged", plain: false, new TextEncoderEntry("text_encoder", TokenizerKind.Clip, 77, new string('d', 64))),
        ];
        WorkerRegistry workers = _api.Get<WorkerRegistry>();
        await workers.RegisterAsync(new WorkerRegistration("w", models, 1, null, null, vocabularies), default);
        while (!(await _api.Client.GetStringAsync("/v1/models")).Contains("\"damaged\"", StringComparison.Ordinal))
        {
            await Task.Delay(100);
        }
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [TestCase("a red apple", 3)]
    [TestCase("", 0)]
    [TestCase("a (red:1.2) apple", 3, Description = "weights are no words")]
    [TestCase("a red apple <lora:ink:0.8>", 3, Description = "tags of LoRAs are taken out")]
    [TestCase("a ((red)) \\(apple\\)", 5)]
    [TestCase("a [red:green apple:5] pear", 4, Description = "of the texts of all steps the longest")]
    [TestCase("ink-style apple", 9, Description = "an embedding takes the place of its vectors")]
    public async Task Count_APrompt_IsThatOfTheTextEncoder(string prompt, int tokens)
    {
        JsonNode encoder = (await CountAsync("stable", new { prompt }))["encoders"]!.AsArray().Single()!;
        Assert.That((bool)encoder["counted"]!, Is.True);
        Assert.That((string?)encoder["tokenizer"], Is.EqualTo("clip"));
        Assert.That((int)encoder["limit"]!, Is.EqualTo(75));
        Assert.That((int)encoder["prompt"]!["tokens"]!, Is.EqualTo(tokens));
        Assert.That((int)encoder["negative_prompt"]!["tokens"]!, Is.Zero);
    }

    [Test]
    public async Task Count_OfALongPrompt_HasItsChunks()
    {
        string prompt = "two cats BREAK " + string.Join(' ', Enumerable.Repeat("cat", 80));
        JsonNode encoder = (await CountAsync("published", new { prompt, negative_prompt = "bad, ugly" }))["encoders"]![0]!;
        Assert.That((int)encoder["max_chunks"]!, Is.EqualTo(PromptChunker.MaxChunks));
        Assert.That(encoder["prompt"]!["chunks"]!.AsArray().Select(n => (int)n!), Is.EqualTo((int[])[2, 75, 5]));
        Assert.That((int)encoder["prompt"]!["tokens"]!, Is.EqualTo(82));
        Assert.That((int)encoder["negative_prompt"]!["tokens"]!, Is.EqualTo(3));
    }

    [Test]
    public async Task Count_OfAPromptThatIsCut_TellsWhatEachEncoderDoesNotRead()
    {
        const string Read = "one two three four five";
        JsonArray encoders = (await CountAsync("plain", new { prompt = Read + string.Concat(Enumerable.Repeat(" six", 30)) }))[
            "encoders"
        ]!.AsArray();
        Assert.That(encoders[0]!["prompt"]!["cut"], Is.Null);
        Assert.That(encoders[0]!["max_chunks"], Is.Null);
        JsonNode t5 = encoders[1]!;
        Assert.That((int)t5["limit"]!, Is.EqualTo(15), "one of its positions is the end's");
        int at = (int)t5["prompt"]!["cut"]!["at"]!;
        Assert.That(at, Is.GreaterThanOrEqualTo(Read.Length - 5).And.LessThan(Read.Length + 40));
        Assert.That((string?)t5["prompt"]!["cut"]!["text"], Does.EndWith("six six"));
        Assert.That(((string)t5["prompt"]!["cut"]!["text"]!).Length, Is.EqualTo(Read.Length + (30 * 4) - at));
    }

    [TestCase("absent")]
    [TestCase("damaged")]
    public async Task Count_WithoutTheVocabulary_SaysSo(string model)
    {
        JsonNode encoder = (await CountAsync(model, new { prompt = "a cat" }))["encoders"]!.AsArray().Single()!;
        Assert.That((bool)encoder["counted"]!, Is.False);
        Assert.That(encoder["prompt"], Is.Null);
    }

    [Test]
    public async Task Count_WhatCannotBe_NamesTheField()
    {
        async Task<string> RefusedAsync(object body, HttpStatusCode status, string model = "stable")
        {
            using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync($"/v1/models/{model}/tokens", body);
            Assert.That(answer.StatusCode, Is.EqualTo(status));
            return await answer.Content.ReadAsStringAsync();
        }

        Assert.That(
            await RefusedAsync(new { prompt = new string('a', 4001) }, HttpStatusCode.UnprocessableEntity),
            Does.Contain("prompt").And.Contain("4000").And.Contain("4001")
        );
        Assert.That(
            await RefusedAsync(new { negative_prompt = "(a:101)" }, HttpStatusCode.UnprocessableEntity),
            Does.Contain("negative_prompt").And.Contain("100")
        );
        Assert.That(
            await RefusedAsync(new { prompt = string.Join(" BREAK ", Enumerable.Repeat("cat", 17)) }, HttpStatusCode.UnprocessableEntity),
            Does.Contain("more than 16 chunks")
        );
        Assert.That(
            await RefusedAsync(new { prompt = "a", num_inference_steps = 0 }, HttpStatusCode.UnprocessableEntity),
            Does.Contain("num_inference_steps")
        );
        Assert.That(await RefusedAsync(new { words = "a" }, HttpStatusCode.UnprocessableEntity), Does.Contain("words"));
        Assert.That(await RefusedAsync(new { prompt = "a" }, HttpStatusCode.NotFound, "stabel"), Does.Contain("did you mean 'stable'"));
        using HttpClient stranger = _api.ClientWith(null);
        using HttpResponseMessage refused = await stranger.PostAsJsonAsync("/v1/models/stable/tokens", new { prompt = "a" });
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Vocabulary_ThatNoModelNames_IsKeptForADay()
    {
        WorkerRegistry workers = _api.Get<WorkerRegistry>();
        VocabularyStore vocabularies = _api.Get<VocabularyStore>();
        string sha256 = new('e', 64);
        await workers.RegisterAsync(
            new WorkerRegistration("w2", [ApiScope.Demo], 1, null, null, new Dictionary<string, byte[]> { [sha256] = [1, 2, 3] }),
            default
        );
        Assert.That(await vocabularies.FindAsync(sha256, default), Is.EqualTo((byte[])[1, 2, 3]));
        await using (
            NpgsqlCommand age = _api.Get<NpgsqlDataSource>().CreateCommand("UPDATE vocabularies SET named_at = now() - interval '2 days'")
        )
        {
            await age.ExecuteNonQueryAsync();
        }

        await workers.RegisterAsync(new WorkerRegistration("w2", [ApiScope.Demo], 1, null), default);
        Assert.That(await vocabularies.FindAsync(sha256, default), Is.Null);
        Assert.That(await vocabularies.FindAsync(new string('d', 64), default), Is.Not.Null, "a model names it");
    }

    private async Task<JsonNode> CountAsync(string model, object body)
    {
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync($"/v1/models/{model}/tokens", body);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
    }

    private static ModelEntry Model(string name, bool plain, params TextEncoderEntry[] encoders) =>
        ApiScope.Demo with
        {
            Name = name,
            Network = new NetworkFacts(JsonSerializer.SerializeToElement(new { }), SeesMask: false, plain, encoders),
        };
}
