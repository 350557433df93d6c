using System.Text.Json;
using Generation.Tokenizers;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>Texts and the ids that the reference tokenizers give them: every folder of tokenizers with a cases.json.</summary>
[TestFixture]
public sealed class TokenizersTests
{
    public static IEnumerable<TestCaseData> Folders()
    {
        string root = Path.Combine(GoldenCase.Root, "tokenizers");
        return Directory.Exists(root)
            ? Directory
                .EnumerateDirectories(root)
                .Where(folder => File.Exists(Path.Combine(folder, "cases.json")))
                .Order(StringComparer.Ordinal)
                .Select(folder => new TestCaseData(folder).SetArgDisplayNames(Path.GetFileName(folder)))
            : [];
    }

    [TestCaseSource(nameof(Folders))]
    public void Encode_ReferenceText_GivesReferenceIds(string folder)
    {
        using JsonDocument config = Read(Path.Combine(folder, "tokenizer_config.json"));
        using JsonDocument cases = Read(Path.Combine(folder, "cases.json"));
        string kind = config.RootElement.GetProperty("tokenizer_class").GetString()!;
        Action<JsonElement> check;
        switch (kind)
        {
            case "CLIPTokenizer" or "CLIPTokenizerFast":
                check = CheckClip(ClipTokenizer.Load(folder));
                break;
            case "T5Tokenizer" or "T5TokenizerFast":
                check = CheckT5(folder, cases.RootElement.GetProperty("cases"));
                break;
            default:
                Assert.Fail($"{Path.GetFileName(folder)}: {kind} is not known here.");
                return;
        }

        int count = 0;
        using (Assert.EnterMultipleScope())
        {
            foreach (JsonElement entry in cases.RootElement.GetProperty("cases").EnumerateArray())
            {
                check(entry);
                count++;
            }
        }

        Assert.That(count, Is.Positive, "number of cases");
    }

    private static Action<JsonElement> CheckClip(ClipTokenizer tokenizer) =>
        entry =>
        {
            string text = entry.GetProperty("text").GetString()!;
            int[] expected = Ids(entry, "ids");
            int[] ids = tokenizer.Encode(text);
            Assert.That(ids, Has.Length.EqualTo(entry.GetProperty("untruncated_count").GetInt32()), $"untruncated count of '{text}'");

            int kept = Math.Min(ids.Length, tokenizer.ModelMaxLength);
            Assert.That(tokenizer.EncodePadded(text)[..kept], Is.EqualTo(expected), $"ids of '{text}'");
        };

    private static Action<JsonElement> CheckT5(string folder, JsonElement cases)
    {
        // The reference cut its ids, and says so only by the longest of them
        int longest = cases.EnumerateArray().Max(entry => entry.GetProperty("ids").GetArrayLength());
        (string Ids, T5Tokenizer Tokenizer)[] forms =
        [
            .. File.Exists(Path.Combine(folder, "tokenizer.json"))
                ? [("ids", T5Tokenizer.LoadTokenizerJson(TokenizerFiles.Read(folder)))]
                : Array.Empty<(string, T5Tokenizer)>(),
            .. File.Exists(Path.Combine(folder, "spiece.model"))
                ? [("sentencepiece_ids", T5Tokenizer.LoadSentencePiece(TokenizerFiles.Read(folder)))]
                : Array.Empty<(string, T5Tokenizer)>(),
        ];
        Assert.That(forms, Is.Not.Empty, $"{folder} has neither tokenizer.json nor spiece.model");
        return entry =>
        {
            string text = entry.GetProperty("text").GetString()!;
            foreach ((string name, T5Tokenizer tokenizer) in forms)
            {
                if (entry.TryGetProperty(name, out _))
                {
                    int[] ids = tokenizer.Encode(text);
                    int[] kept = ids.Length > longest ? tokenizer.EncodePadded(text, longest) : ids;
                    Assert.That(kept, Is.EqualTo(Ids(entry, name)), $"{name} of '{text}'");
                }
            }
        };
    }

    private static int[] Ids(JsonElement entry, string name) => [.. entry.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private static JsonDocument Read(string path) => JsonDocument.Parse(File.ReadAllBytes(path));
}
