using System.Text.Json.Nodes;
using Generation.Diffusion.Tests.Goldens;
using Generation.Tokenizers;

namespace Generation.Diffusion.Tests.Tokenizers;

[TestFixture]
public sealed class ClipTokenizerTests
{
    private static readonly string Demo = GoldenCase.InRepository("models/demo/tokenizer");
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("clip-tokenizer-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Load_DemoModel_TakesMarksFromConfig()
    {
        var tokenizer = ClipTokenizer.Load(Demo);
        Assert.That(
            (tokenizer.BosTokenId, tokenizer.EosTokenId, tokenizer.PadTokenId, tokenizer.ModelMaxLength, tokenizer.Count),
            Is.EqualTo((1846, 1847, 1847, 77, 1848))
        );
        Assert.That(tokenizer.Decode(tokenizer.Encode("a red apple on a blue background")), Is.EqualTo("a red apple on a blue background"));
    }

    [Test]
    public void Published_ReferenceVocabulary_IsTheSame()
    {
        var loaded = ClipTokenizer.Load(GoldenCase.InRepository("tests/Goldens/tokenizers/clip"));
        const string text = "A Photo of <|endoftext|> naïve 🐱 don't 12 Straße";
        Assert.That(ClipTokenizer.Published.Encode(text), Is.EqualTo(loaded.Encode(text)));
        Assert.That(ClipTokenizer.Published.Count, Is.EqualTo(49408));
    }

    [Test]
    public void EncodePadded_PaddingIsExclamationMark_FillsWithZeroAndReadsItAsPadding()
    {
        // What the fast tokenizer of transformers gives with stabilityai/stable-diffusion-2-1's marks
        ClipTokenizer tokenizer = ClipTokenizer.PublishedPaddedWithZero;
        Assert.That(tokenizer.EncodePadded("a cat", 8), Is.EqualTo((int[])[49406, 320, 2368, 49407, 0, 0, 0, 0]));
        Assert.That(tokenizer.Encode("a cat!"), Is.EqualTo((int[])[49406, 320, 2368, 0, 49407]));
    }

    [Test]
    public void EncodePadded_LongText_KeepsMarks()
    {
        int[] ids = ClipTokenizer.Published.EncodePadded(string.Join(' ', Enumerable.Repeat("cat", 200)));
        Assert.That(ids, Has.Length.EqualTo(77));
        Assert.That((ids[0], ids[1], ids[75], ids[76]), Is.EqualTo((49406, 2368, 2368, 49407)));
    }

    [Test]
    public void Load_SpecialTokensMapWithoutAddedTokensDecoder_OverridesConfig()
    {
        CopyDemo();
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"pad_token": "<|endoftext|>", "model_max_length": 1e30}""");
        File.WriteAllText(Path.Combine(_folder, "special_tokens_map.json"), """{"pad_token": "!"}""");
        var tokenizer = ClipTokenizer.Load(_folder);
        Assert.That((tokenizer.PadTokenId, tokenizer.EosTokenId, tokenizer.ModelMaxLength), Is.EqualTo((0, 1847, 77)));
    }

    [Test]
    public void Load_AddedTokensDecoder_OverridesSpecialTokensMap()
    {
        CopyDemo();
        File.WriteAllText(Path.Combine(_folder, "special_tokens_map.json"), """{"pad_token": "!"}""");
        Assert.That(ClipTokenizer.Load(_folder).PadTokenId, Is.EqualTo(1847));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Load_TokenizerJsonAlone_GivesTheSameIds(bool pairs)
    {
        CopyDemo();
        var vocabulary = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "vocab.json")));
        string[] merges = [.. File.ReadLines(Path.Combine(_folder, "merges.txt")).Skip(1).Where(line => line.Length > 0)];
        var model = new JsonObject
        {
            ["type"] = "BPE",
            ["end_of_word_suffix"] = "</w>",
            ["vocab"] = vocabulary,
            ["merges"] = new JsonArray([
                .. merges.Select(merge => pairs ? (JsonNode)new JsonArray([.. merge.Split(' ').Select(token => (JsonNode)token)]) : merge),
            ]),
        };
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), new JsonObject { ["model"] = model }.ToJsonString());
        File.Delete(Path.Combine(_folder, "vocab.json"));
        File.Delete(Path.Combine(_folder, "merges.txt"));

        const string text = "A red apple on a blue background, don't 12 <|endoftext|>";
        Assert.That(ClipTokenizer.Load(_folder).EncodePadded(text), Is.EqualTo(ClipTokenizer.Load(Demo).EncodePadded(text)));
    }

    [TestCase("""{"model": {"type": "Unigram"}}""", "byte pair encoding")]
    [TestCase("""{"model": {"vocab": {}, "merges": ["a"], "end_of_word_suffix": "</w>"}}""", "merge 1")]
    [TestCase("""{"model": {"vocab": {"a": 0.5}, "merges": [], "end_of_word_suffix": "</w>"}}""", "the id of 'a'")]
    public void Load_DamagedTokenizerJson_NamesIt(string json, string expected)
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), json);
        Assert.That(
            () => ClipTokenizer.Load(_folder),
            Throws.TypeOf<TokenizerException>().With.Message.Contains(expected).And.Message.Contains("tokenizer.json")
        );
    }

    [TestCase("vocab.json", null, "vocab.json is missing")]
    [TestCase("vocab.json", "[1]", "not a JSON object")]
    [TestCase("vocab.json", "{\"a\": 1", "not JSON")]
    [TestCase("vocab.json", "{\"a\": -1}", "the id of 'a' is -1")]
    [TestCase("merges.txt", null, "merges.txt is missing")]
    [TestCase("merges.txt", "#version: 0.2\na b c\nab\n", "line 3 ('ab')")]
    [TestCase("merges.txt", "zq zq\n", "needs the token 'zq'")]
    [TestCase("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": \"a\"}}", "'x'")]
    public void Load_DamagedFile_NamesIt(string file, string? content, string expected)
    {
        CopyDemo();
        string path = Path.Combine(_folder, file);
        File.Delete(path);
        if (content is not null)
        {
            File.WriteAllText(path, content);
        }

        Assert.That(() => ClipTokenizer.Load(_folder), Throws.TypeOf<TokenizerException>().With.Message.Contains(expected));
    }

    [Test]
    public void WithTokens_TokenInText_BecomesOneIdInAnyCase()
    {
        ClipTokenizer plain = ClipTokenizer.Published;
        ClipTokenizer tokenizer = plain.WithTokens(["<Easy-Negative>", "<Easy-Negative>_1"]);
        Assert.That(tokenizer.Encode("a <easy-negative>_1<EASY-NEGATIVE> cat"), Is.EqualTo((int[])[49406, 320, 49409, 49408, 2368, 49407]));
        Assert.That(tokenizer.Count, Is.EqualTo(49410));
        Assert.That(() => tokenizer.WithTokens(["<easy-NEGATIVE>"]), Throws.ArgumentException);
        Assert.That(() => tokenizer.WithTokens([" "]), Throws.ArgumentException);
        Assert.That(plain.Encode("<easy-negative>"), Has.Length.GreaterThan(3));
    }

    [TestCase("İSTANBUL", "i̇stanbul")]
    [TestCase("ΌΣΟΣ", "όσοσ")]
    [TestCase("e\u0301", "é")]
    [TestCase("a\u0323\u0302", "ậ")]
    [TestCase("a\u0302\u0323", "ậ")]
    [TestCase("\u1112\u1161\u11AB", "한")]
    [TestCase("\u212B", "å")]
    [TestCase("a\u3000\u2003b", "a b")]
    public void Encode_EqualAfterNormalisation_SameIds(string text, string normalized) =>
        Assert.That(ClipTokenizer.Published.Encode(text), Is.EqualTo(ClipTokenizer.Published.Encode(normalized)));

    [TestCase("a")]
    [TestCase("\u0301\u0323")]
    [TestCase("'")]
    [TestCase("<|endoftext|")]
    [TestCase("\ud83d")]
    [TestCase("1")]
    [TestCase("\u1112\u1161")]
    public void Encode_HostileRepetition_EndsSoon(string unit)
    {
        // Linear work takes less than a second; quadratic work would take hours
        string text = string.Concat(Enumerable.Repeat(unit, 2_000_000 / unit.Length));
        Assert.That(Task.Run(() => ClipTokenizer.Published.Encode(text)).Wait(TimeSpan.FromMinutes(3)));
    }

    private void CopyDemo()
    {
        foreach (string file in Directory.EnumerateFiles(Demo))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }
    }
}
