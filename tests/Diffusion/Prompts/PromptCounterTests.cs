using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Families.StableDiffusionXL;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Tests.Goldens;
using Generation.Tokenizers;

namespace Generation.Diffusion.Tests.Prompts;

/// <summary>
/// What is counted from a model's registered vocabulary, in a process without the model, is what the model encodes.
/// </summary>
public sealed class PromptCounterTests
{
    private const int Prompts = 60;

    private static readonly string[] Pieces =
    [
        "cat",
        "photograph",
        "a",
        ", ",
        ",",
        "(word:1.2)",
        "((red))",
        "[pale]",
        "BREAK",
        "\\(x\\)",
        "Ärger",
        "漢字",
        "👩‍🚀",
        "  ",
        "\n",
        "1920s",
        "it's",
        "supercalifragilisticexpialidocious",
        "<s>",
        "…",
    ];

    private static IEnumerable<string> Models() =>
        Directory
            .EnumerateDirectories(GoldenCase.InRepository("tests/Goldens/models"))
            .Append(GoldenCase.InRepository("models/demo"))
            .Where(folder => File.Exists(Path.Combine(folder, "model_index.json")))
            .Where(folder => ModelFiles.Open(folder).Has("tokenizer") || ModelFiles.Open(folder).Has("tokenizer_2"))
            .Select(folder => Path.GetRelativePath(GoldenCase.InRepository("."), folder));

    [TestCaseSource(nameof(Models))]
    public void Count_AnyPrompt_IsWhatTheModelEncodes(string path)
    {
        var source = new ModelSource(ModelFiles.Open(GoldenCase.InRepository(path)));
        ModelFamily family = ModelFamilies.Of(source);
        PromptCounter[] counters = [.. family.TextEncoders(source.Files).Select(encoder => CounterOf(encoder, family.PromptSyntax))];
        using DiffusionModel model = family.Load(source);
        var random = new Random(11);
        Assert.That(counters, Is.Not.Empty);
        for (int i = 0; i < Prompts; i++)
        {
            string prompt = Prompt(random, i);
            int[][] encoded = Encoded(model, prompt);
            Assert.That(counters.Select(counter => counter.Count(prompt).Chunks), Is.EqualTo(encoded), prompt);
        }
    }

    [TestCase("clip")]
    [TestCase("t5")]
    public void Cut_LongPrompt_IsWhereTheRoomEnds(string tokenizer)
    {
        ITokenizer read = Load(TokenizerFiles.Read(GoldenCase.InRepository($"tests/Goldens/tokenizers/{tokenizer}")), tokenizer == "t5");
        const int Room = 10;
        var counter = PromptCounter.Cutting(read, Room + read.MarkCount);
        var random = new Random(12);
        int cuts = 0;
        for (int i = 0; i < Prompts; i++)
        {
            string prompt = Prompt(random, i);
            PromptCount count = counter.Count(prompt);
            Assert.That(count.Tokens, Is.EqualTo(read.EncodeWithoutSpecialTokens(prompt).Length));
            if (count.CutAt is not { } at)
            {
                Assert.That(count.Chunks, Is.EqualTo((int[])[count.Tokens]));
                Assert.That(count.Tokens, Is.LessThanOrEqualTo(Room));
                continue;
            }

            cuts++;
            Assert.That(count.Chunks, Is.EqualTo((int[])[Room]));
            Assert.That(read.EncodeWithoutSpecialTokens(prompt[..at]), Has.Length.LessThanOrEqualTo(Room), prompt);
            Assert.That(prompt[at..], Is.Not.Empty);
        }

        Assert.That(cuts, Is.GreaterThan(10));
    }

    [Test]
    public void Cut_WordsOfOneTokenEach_IsBehindThoseThatFit()
    {
        var counter = PromptCounter.Cutting(ClipTokenizer.Published, 4 + 2);
        Assert.That(counter.Count("one two three four five six").CutAt, Is.EqualTo("one two three four ".Length));
        Assert.That(counter.Count("one two three four").CutAt, Is.Null);
    }

    [Test]
    public void Pack_Files_ReadTheSameAndHaveTheSameHash()
    {
        foreach (string tokenizer in new[] { "clip", "t5" })
        {
            var files = TokenizerFiles.Read(GoldenCase.InRepository($"tests/Goldens/tokenizers/{tokenizer}"));
            var unpacked = TokenizerFiles.Unpack(files.Pack()!, "packed");
            Assert.That(unpacked.Sha256(), Is.EqualTo(files.Sha256()).And.Length.EqualTo(64));
            const string Text = "A photo of it's Ärger, 漢字 1920s";
            Assert.That(
                Load(unpacked, tokenizer == "t5").EncodeWithoutSpecialTokens(Text),
                Is.EqualTo(Load(files, tokenizer == "t5").EncodeWithoutSpecialTokens(Text))
            );
        }

        Assert.That(
            () => TokenizerFiles.Unpack(new byte[100], "packed"),
            Throws.TypeOf<TokenizerException>().With.Message.Contains("packed")
        );
        Assert.That(TokenizerFiles.Read("/nowhere").Pack(), Is.Null);
    }

    private static ITokenizer Load(TokenizerFiles files, bool isT5) => isT5 ? T5Tokenizer.Load(files) : ClipTokenizer.Load(files);

    // As the API does: from what was packed
    private static PromptCounter CounterOf(TextEncoderFiles encoder, PromptSyntax syntax)
    {
        ITokenizer tokenizer = encoder.Tokenizer is { } files
            ? Load(TokenizerFiles.Unpack(files.Pack()!, encoder.Component), encoder.IsT5)
            : ClipTokenizer.Published;
        return syntax == PromptSyntax.Weighted
            ? PromptCounter.Chunked((ClipTokenizer)tokenizer, encoder.Positions)
            : PromptCounter.Cutting(tokenizer, encoder.Positions);
    }

    /// <summary>The tokens of the prompt in each input of each of the model's text encoders.</summary>
    private static int[][] Encoded(DiffusionModel model, string prompt)
    {
        switch (model)
        {
            case StableDiffusionModel stable:
                return [Chunks(stable.Tokenizer, stable.TextEncoder, prompt)];
            case StableDiffusionXLModel xl:
                return [.. xl.Texts.Select(text => Chunks(text.Tokenizer, text.Encoder, prompt))];
            case FluxModel flux:
                int[] clip = flux.Tokenizer.EncodePadded(prompt, Math.Min(77, (int)flux.TextEncoder.Config.MaxPositionEmbeddings));
                int[] t5 = flux.Tokenizer2.EncodePadded(prompt, 512);
                // Only the ends of the texts can be these marks: no piece is one
                return
                [
                    [Array.IndexOf(clip, flux.Tokenizer.EosTokenId, 1) - 1],
                    [Array.IndexOf(t5, flux.Tokenizer2.EosTokenId)],
                ];
            default:
                throw new InvalidOperationException($"{model.GetType().Name} has no prompts that are known here.");
        }
    }

    private static int[] Chunks(ClipTokenizer tokenizer, CLIPTextModel encoder, string prompt) =>
        [
            .. new PromptEncoder(tokenizer, encoder)
                .Split([prompt], PromptSyntax.Weighted)[0]
                .Select(chunk => Array.IndexOf(chunk.Ids, tokenizer.EosTokenId, 1) - 1),
        ];

    private static string Prompt(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length * 2).Select(_ => random.GetItems(Pieces, 1)[0] + (random.Next(4) > 0 ? " " : "")));
}
