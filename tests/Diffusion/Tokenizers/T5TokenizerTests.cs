using System.Text.Json.Nodes;
using Generation.Diffusion.Tests.Goldens;
using Generation.Tokenizers;

namespace Generation.Diffusion.Tests.Tokenizers;

[TestFixture]
public sealed class T5TokenizerTests
{
    private static readonly string Reference = GoldenCase.InRepository("tests/Goldens/tokenizers/t5");
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("t5-tokenizer-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Load_BothFilesThere_TakesTokenizerJson()
    {
        // 300 letters a: the two references choose differently among equally good segmentations
        string text = new('a', 300);
        int[] expected = T5Tokenizer.LoadTokenizerJson(TokenizerFiles.Read(Reference)).Encode(text);
        Assert.That(T5Tokenizer.Load(Reference).Encode(text), Is.EqualTo(expected));
        Assert.That(T5Tokenizer.LoadSentencePiece(TokenizerFiles.Read(Reference)).Encode(text), Is.Not.EqualTo(expected));
    }

    [TestCase("a red apple on a blue background")]
    [TestCase("cat </s> dog <unk>cat<pad>")]
    [TestCase("\u3000cat\t\r\n dog ")]
    [TestCase("ｈａｌｆ ﬁ ½ ①")]
    [TestCase("漢字 и 🐱🐱 x")]
    public void Encode_FromEitherFile_SameIds(string text)
    {
        var json = T5Tokenizer.LoadTokenizerJson(TokenizerFiles.Read(Reference));
        var model = T5Tokenizer.LoadSentencePiece(TokenizerFiles.Read(Reference));
        Assert.That(model.Encode(text), Is.EqualTo(json.Encode(text)));
    }

    [Test]
    public void EncodePadded_ShortAndLongText_EndsWithMarkAndPadding()
    {
        var tokenizer = T5Tokenizer.Load(Reference);
        int[] ids = tokenizer.EncodePadded("a cat", 6);
        Assert.That(ids, Is.EqualTo((int[])[4, 88, 1, 0, 0, 0]));
        ids = tokenizer.EncodePadded(string.Join(' ', Enumerable.Repeat("cat", 50)), 4);
        Assert.That(ids, Is.EqualTo((int[])[88, 88, 88, 1]));
        Assert.That((tokenizer.EosTokenId, tokenizer.PadTokenId, tokenizer.ModelMaxLength, tokenizer.Count), Is.EqualTo((1, 0, 512, 640)));
        Assert.That(tokenizer.Decode(tokenizer.Encode("a red apple")), Is.EqualTo("a red apple"));
    }

    [Test]
    public void LoadSentencePiece_NoConfig_HasAHundredSentinelsBehindThePieces()
    {
        string path = Path.Combine(_folder, "spiece.model");
        File.Copy(Path.Combine(Reference, "spiece.model"), path);
        var tokenizer = T5Tokenizer.LoadSentencePiece(TokenizerFiles.Read(_folder));
        Assert.That(tokenizer.Count, Is.EqualTo(740));
        Assert.That(tokenizer.Encode("<extra_id_0><extra_id_99>"), Is.EqualTo((int[])[739, 640, 1]));
    }

    [Test]
    public void LoadTokenizerJson_ByteFallback_WritesUnknownCharactersAsBytes()
    {
        WriteJson(root =>
        {
            root["model"]!["byte_fallback"] = true;
            JsonArray vocabulary = root["model"]!["vocab"]!.AsArray();
            for (int b = 0; b < 256; b++)
            {
                vocabulary.Add(new JsonArray($"<0x{b:X2}>", -20.0));
            }
        });
        // U+6F22 is E6 BC A2
        Assert.That(
            T5Tokenizer.LoadTokenizerJson(TokenizerFiles.Read(_folder)).Encode("漢"),
            Is.EqualTo((int[])[3, 640 + 0xE6, 640 + 0xBC, 640 + 0xA2, 1])
        );
    }

    [Test]
    public void LoadTokenizerJson_OlderForm_GivesTheSameIds()
    {
        // As google/t5-v1_1-xxl was first published: no stripping, white space split before the metaspace
        WriteJson(root =>
        {
            root["normalizer"] = root["normalizer"]!["normalizers"]![0]!.DeepClone();
            root["pre_tokenizer"] = JsonNode.Parse(
                """
                {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁",
                "add_prefix_space": true}]}
                """
            );
        });
        const string text = "  a red\tapple   on a blue background ";
        Assert.That(
            T5Tokenizer.LoadTokenizerJson(TokenizerFiles.Read(_folder)).Encode(text),
            Is.EqualTo(T5Tokenizer.Load(Reference).Encode(text))
        );
    }

    [TestCase("normalizer", """{"type": "Nmt"}""", "normalizer 'Nmt'")]
    [TestCase("pre_tokenizer", """{"type": "Digits"}""", "pre_tokenizer 'Digits'")]
    [TestCase("post_processor", """{"type": "BertProcessing"}""", "post_processor 'BertProcessing'")]
    [TestCase("model", """{"type": "BPE"}""", "model type 'BPE'")]
    [TestCase("model", """{"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 3}""", "unknown token's id 3")]
    [TestCase("model", """{"type": "Unigram", "vocab": [1], "unk_id": 0}""", "another form")]
    [TestCase("normalizer", """{"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="}""", "character map")]
    public void LoadTokenizerJson_UnknownOrDamagedPart_NamesIt(string part, string value, string expected)
    {
        string path = WriteJson(root => root[part] = JsonNode.Parse(value));
        Assert.That(
            () => T5Tokenizer.LoadTokenizerJson(TokenizerFiles.Read(_folder)),
            Throws.TypeOf<TokenizerException>().With.Message.Contains(expected).And.Message.Contains(path)
        );
    }

    [TestCase(0, "none of them")]
    [TestCase(1, "ends")]
    [TestCase(5000, "")]
    public void LoadSentencePiece_CutFile_IsRefused(int length, string expected)
    {
        string path = Path.Combine(_folder, "spiece.model");
        File.WriteAllBytes(path, File.ReadAllBytes(Path.Combine(Reference, "spiece.model"))[..length]);
        Assert.That(
            () => T5Tokenizer.LoadSentencePiece(TokenizerFiles.Read(_folder)),
            Throws.TypeOf<TokenizerException>().With.Message.Contains(expected).And.Message.Contains(path)
        );
    }

    [Test]
    public void LoadSentencePiece_BytePairModel_IsRefused()
    {
        // Piece "a", unknown piece, and a trainer's message that says model_type 2
        string path = Path.Combine(_folder, "spiece.model");
        File.WriteAllBytes(path, [0x0A, 0x03, 0x0A, 0x01, 0x61, 0x0A, 0x05, 0x0A, 0x01, 0x3F, 0x18, 0x02, 0x12, 0x02, 0x18, 0x02]);
        Assert.That(
            () => T5Tokenizer.LoadSentencePiece(TokenizerFiles.Read(_folder)),
            Throws.TypeOf<TokenizerException>().With.Message.Contains("model type 2")
        );
    }

    [Test]
    public void Load_EmptyFolder_SaysWhatIsMissing() =>
        Assert.That(
            () => T5Tokenizer.Load(_folder),
            Throws.TypeOf<TokenizerException>().With.Message.Contains("neither tokenizer.json nor spiece.model")
        );

    private string WriteJson(Action<JsonNode> change)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(Path.Combine(Reference, "tokenizer.json")))!;
        change(root);
        string path = Path.Combine(_folder, "tokenizer.json");
        File.WriteAllText(path, root.ToJsonString());
        return path;
    }
}
