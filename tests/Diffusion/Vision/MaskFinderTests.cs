using System.Text.Json;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Vision;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Tokenizers;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Vision;

/// <summary>Words to masks with the small network of the CLIPSeg reference case and a vocabulary of its size.</summary>
public sealed class MaskFinderTests
{
    private string _folder = null!;

    [OneTimeSetUp]
    public void Copy()
    {
        _folder = Directory.CreateTempSubdirectory("mask-finder-").FullName;
        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(GoldenCase.InRepository("tests/Goldens/modules/clipseg/" + file), Path.Combine(_folder, file));
        }

        WriteVocabulary(GoldenCase.InRepository("tests/Goldens/models/sd15/tokenizer"));
    }

    [OneTimeTearDown]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Find_AtTheMedian_IsTheNetworksOwnProbability()
    {
        Picture picture = Noise(32, 32);
        float[] expected = Expected(picture, "a cat");
        float middle = expected.Order().ElementAt(expected.Length / 2);
        using var finder = MaskFinder.FromPretrained(_folder);
        long before = TensorCount.Settled();
        Picture mask = finder.Find(picture, "a cat", middle);
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));

        Assert.That((mask.Width, mask.Height, mask.Channels), Is.EqualTo((32, 32, 1)));
        Assert.That(mask.Bytes.Distinct().Order(), Is.EqualTo(new byte[] { 0, 255 }));
        // Probabilities are kept in steps of 1/255
        Assert.That(
            expected.Zip(mask.Bytes).Where(pair => Math.Abs(pair.First - middle) > 1.01 / 255),
            Is.All.Matches<(float Probability, byte Mask)>(pair => pair.Mask == (pair.Probability > middle ? 255 : 0))
        );
    }

    [Test]
    public void Find_SeveralThings_CoversEach()
    {
        Picture picture = Noise(60, 44);
        using var finder = MaskFinder.FromPretrained(_folder);
        double threshold = Expected(picture, "a cat").Concat(Expected(picture, "dog")).Order().ElementAt(32 * 32);
        Picture cat = finder.Find(picture, "a cat", threshold);
        Picture dog = finder.Find(picture, "dog", threshold);
        Picture both = finder.Find(picture, " a cat | dog", threshold);
        Assert.That((both.Width, both.Height), Is.EqualTo((60, 44)));
        int missed = Enumerable.Range(0, both.Bytes.Length).Count(i => both.Bytes[i] == 0 && (cat.Bytes[i] | dog.Bytes[i]) == 255);
        Assert.That(missed, Is.LessThan(both.Bytes.Length / 50), "resampling differs at edges alone");
        Assert.That(
            both.Bytes.Count(b => b == 255),
            Is.GreaterThanOrEqualTo(Math.Max(cat.Bytes.Count(b => b == 255), dog.Bytes.Count(b => b == 255)))
        );
    }

    [TestCase("", "no words")]
    [TestCase(" | ", "no words")]
    public void Find_NoWords_IsRefused(string words, string expected)
    {
        using var finder = MaskFinder.FromPretrained(_folder);
        Assert.That(
            () => finder.Find(Noise(32, 32), words),
            Throws.TypeOf<SettingException>().With.Property("Field").EqualTo("mask_prompt").And.Message.Contains(expected)
        );
    }

    [Test]
    public void Find_NothingFound_SaysSoByField()
    {
        using var finder = MaskFinder.FromPretrained(_folder);
        Assert.That(
            () => finder.Find(Noise(32, 32), "a cat", threshold: 1),
            Throws.TypeOf<SettingException>().With.Property("Field").EqualTo("mask_prompt")
        );
    }

    [Test]
    public void FromPretrained_TokenizerOfAnotherSize_IsRefused()
    {
        string folder = Directory.CreateTempSubdirectory("mask-finder-").FullName;
        try
        {
            foreach (string file in new[] { "config.json", "model.safetensors" })
            {
                File.Copy(Path.Combine(_folder, file), Path.Combine(folder, file));
            }

            // Without files of its own it takes the published vocabulary
            Assert.That(
                () => MaskFinder.FromPretrained(folder),
                Throws.TypeOf<WeightsException>().With.Message.Contains("49408").And.Message.Contains("600")
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>
    /// The first 598 tokens of a vocabulary, the merges that lead to them, and the two marks that the network's config names.
    /// </summary>
    private void WriteVocabulary(string from)
    {
        var vocabulary = JsonSerializer
            .Deserialize<Dictionary<string, int>>(File.ReadAllText(Path.Combine(from, "vocab.json")))!
            .Where(pair => pair.Value < 598)
            .ToDictionary(StringComparer.Ordinal);
        IEnumerable<string> merges = File.ReadLines(Path.Combine(from, "merges.txt"))
            .Where((line, k) => k == 0 || vocabulary.ContainsKey(line.Replace(" ", "", StringComparison.Ordinal)));
        File.WriteAllLines(Path.Combine(_folder, "merges.txt"), merges);
        vocabulary["<|startoftext|>"] = 598;
        vocabulary["<|endoftext|>"] = 599;
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), JsonSerializer.Serialize(vocabulary));
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"model_max_length": 77, "pad_token": "<|endoftext|>"}""");
    }

    /// <summary>The probabilities by hand, at the network's own size.</summary>
    private float[] Expected(Picture picture, string words)
    {
        using DisposeScope scope = NewDisposeScope();
        using var source = WeightSource.Open(_folder);
        using var network = new CLIPSegModel(
            ConfigJson.Load<ClipSegConfig>(Path.Combine(_folder, "config.json")),
            new NetworkWeights(source)
        );
        var tokenizer = ClipTokenizer.Load(_folder);
        // No padding at all is what a mask over it comes to
        int[] ids = tokenizer.EncodePadded(words, tokenizer.EncodeWithoutSpecialTokens(words).Length + 2);
        Tensor embeds = network.TextEmbeds(tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Length]));
        Tensor pixels = PictureTensors.FromPicture(picture.Resize(32, 32, ResamplingFilter.Bilinear));
        Tensor mean = tensor(new[] { 0.485f, 0.456f, 0.406f }).view(1, 3, 1, 1);
        Tensor deviation = tensor(new[] { 0.229f, 0.224f, 0.225f }).view(1, 3, 1, 1);
        return network.Forward((pixels - mean) / deviation, embeds).sigmoid().contiguous().data<float>().ToArray();
    }

    private static Picture Noise(int width, int height)
    {
        var picture = new Picture(width, height, 3);
        new Random(5).NextBytes(picture.Bytes);
        return picture;
    }
}
