using Generation.Tokenizers;

namespace Generation.Diffusion.Tests.Prompts;

[TestFixture]
public sealed class PromptChunkerTests
{
    private const int Cat = 2368;
    private const int Comma = 267;
    private const int Bos = 49406;
    private const int Eos = 49407;

    private static readonly ClipTokenizer Tokenizer = ClipTokenizer.Published;
    private static readonly PromptChunker Chunker = new(Tokenizer);

    [TestCase("")]
    [TestCase("a red apple, on a blue background")]
    [TestCase("a \\(red\\) apple")]
    public void Split_NoEmphasisOneChunk_IsThePlainPath(string prompt)
    {
        PromptChunk chunk = Chunker.Split(prompt).Single();
        Assert.That(chunk.Ids, Is.EqualTo(Tokenizer.EncodePadded(prompt.Replace("\\", "", StringComparison.Ordinal))));
        Assert.That(chunk.IsWeighted, Is.False);
    }

    [Test]
    public void Split_Plain_LeavesSyntaxAloneAndCuts()
    {
        string prompt = "(cat:1.3) BREAK " + Repeat("cat ", 100);
        PromptChunk chunk = Chunker.Split(prompt, PromptSyntax.Plain).Single();
        Assert.That(chunk.Ids, Is.EqualTo(Tokenizer.EncodePadded(prompt)));
        Assert.That(chunk.IsWeighted, Is.False);
    }

    [Test]
    public void Split_Emphasis_WeighsItsTokensOnly()
    {
        PromptChunk chunk = Chunker.Split("cat (cat, cat:1.5) cat").Single();
        Assert.That(chunk.Ids[..7], Is.EqualTo((int[])[Bos, Cat, Cat, Comma, Cat, Cat, Eos]));
        Assert.That(chunk.Weights[..7], Is.EqualTo((float[])[1, 1, 1.5f, 1.5f, 1.5f, 1, 1]));
        Assert.That(chunk.Weights[7..], Is.All.EqualTo(1));
    }

    [Test]
    public void Split_LongPrompt_FillsChunks()
    {
        IReadOnlyList<PromptChunk> chunks = Chunker.Split(Repeat("cat ", 160));
        Assert.That(chunks.Select(Words), Is.EqualTo((int[])[75, 75, 10]));
        Assert.That(chunks, Has.All.Matches<PromptChunk>(chunk => chunk!.Ids.Length == 77 && chunk.Ids[0] == Bos));
    }

    [Test]
    public void Split_CommaNearTheEndOfAChunk_BreaksBehindIt()
    {
        // 60 words, a comma, 20 words: the comma is 15 from the end of the 75
        IReadOnlyList<PromptChunk> chunks = Chunker.Split(Repeat("cat ", 60) + ", " + Repeat("(cat:2) ", 20));
        Assert.That(chunks.Select(Words), Is.EqualTo((int[])[61, 20]));
        Assert.That(chunks[0].Ids[61], Is.EqualTo(Comma));
        Assert.That(chunks[0].IsWeighted, Is.False);
        Assert.That(chunks[1].Weights[1..21], Is.All.EqualTo(2));
    }

    [Test]
    public void Split_CommaFarFromTheEnd_BreaksAtTheEnd() =>
        Assert.That(Chunker.Split(Repeat("cat ", 54) + ", " + Repeat("cat ", 40)).Select(Words), Is.EqualTo((int[])[75, 20]));

    [Test]
    public void Split_Break_BeginsAChunk() => Assert.That(Chunker.Split("cat cat BREAK cat").Select(Words), Is.EqualTo((int[])[2, 1]));

    [Test]
    public void Split_TooManyChunks_IsRefused() =>
        Assert.That(
            () => Chunker.Split(Repeat("cat ", 75 * 17)),
            Throws.TypeOf<PromptException>().With.Message.Contains("16 chunks of 75")
        );

    [Test]
    public void Split_PaddingDiffersFromEnd_FillsWithIt()
    {
        var chunker = new PromptChunker(ClipTokenizer.PublishedPaddedWithZero);
        Assert.That(chunker.Split("a (cat)").Single().Ids[..6], Is.EqualTo((int[])[Bos, 320, Cat, Eos, 0, 0]));
    }

    [Test]
    public void Split_Embedding_TakesItsVectorsPlaces()
    {
        var chunker = new PromptChunker(Tokenizer, embeddings: [new EmbeddingToken("catlike", 3), new EmbeddingToken("<bad>", 1)]);
        PromptChunk chunk = chunker.Split("a (CatLike:1.2) cat <bad> catlikes").Single();
        Assert.That(chunk.Ids[..7], Is.EqualTo((int[])[Bos, 320, 0, 0, 0, Cat, 0]));
        Assert.That(chunk.Weights[1..6], Is.EqualTo((float[])[1, 1.2f, 1.2f, 1.2f, 1]));
        Assert.That(chunk.Vectors, Is.EqualTo((PlacedVectors[])[new(2, 0, 3), new(6, 1, 1)]));
        Assert.That(chunk.Ids[7..9], Is.EqualTo(Tokenizer.EncodeWithoutSpecialTokens("catlikes")[..2]));
    }

    [Test]
    public void Split_EmbeddingAtTheEndOfAChunk_IsNotTorn()
    {
        var chunker = new PromptChunker(Tokenizer, embeddings: [new EmbeddingToken("<e>", 4)]);
        IReadOnlyList<PromptChunk> chunks = chunker.Split(Repeat("cat ", 73) + "<e>");
        Assert.That(chunks.Select(chunk => chunk.Vectors.Count), Is.EqualTo((int[])[0, 1]));
        Assert.That(chunks[1].Vectors[0].Position, Is.EqualTo(1));

        // Behind a comma that the break goes back to
        chunks = chunker.Split(Repeat("cat ", 60) + ", <e> " + Repeat("cat ", 20));
        Assert.That(chunks.Select(chunk => chunk.Vectors.Count), Is.EqualTo((int[])[0, 1]));
        Assert.That(chunks[1].Vectors[0].Position, Is.EqualTo(1));
        Assert.That(chunker.Split(Repeat("cat ", 73) + "<e>", PromptSyntax.Plain).Single().Vectors, Is.Empty);
    }

    [Test]
    public void Constructor_EmbeddingWithTooManyVectors_IsRefused() =>
        Assert.That(
            () => new PromptChunker(Tokenizer, embeddings: [new EmbeddingToken("big", 76)]),
            Throws.TypeOf<PromptException>().With.Message.Contains("76")
        );

    private static int Words(PromptChunk chunk) => Array.IndexOf(chunk.Ids, Eos) - 1;

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}
