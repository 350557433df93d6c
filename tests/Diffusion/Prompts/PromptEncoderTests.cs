using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Families.StableDiffusionXL;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Prompts;

/// <summary>Prompts through the small Stable Diffusion 1.5 and SDXL of the reference data.</summary>
[TestFixture]
public sealed class PromptEncoderTests
{
    private string _folder = "";
    private StableDiffusionModel _model = null!;
    private CLIPTextModel _clip = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _folder = Directory.CreateTempSubdirectory("prompts-").FullName;
        _model = StableDiffusionModel.Load(ModelFiles.Open(GoldenCase.InRepository("tests/Goldens/models/sd15")));
        _clip = _model.TextEncoder;
    }

    [OneTimeTearDown]
    public void Unload()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void Encode_NoSyntax_IsTheModelsOutputToTheBit()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = tensor(_model.Tokenizer.EncodePadded("a red apple, a small cat").Select(id => (long)id).ToArray()).unsqueeze(0);
        ClipTextOutput expected = _clip.Forward(ids);
        AssertSame(States("a red apple, a small cat", PromptSyntax.Weighted), expected.LastHiddenState);
        AssertSame(States("a red apple, a small cat", PromptSyntax.Plain), expected.LastHiddenState);
    }

    [Test]
    public void Encode_Emphasis_WeighsAndKeepsTheMean()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor plain = States("a red apple");
        Tensor found = States("a (red:1.5) apple");

        // In PyTorch: w = ones(77); w[2] = 1.5; z = z * w[None, :, None]; z = z * (mean / z.mean())
        float[] weights = [.. Enumerable.Repeat(1f, (int)plain.shape[1])];
        weights[2] = 1.5f;
        Tensor weighed = plain * tensor(weights).view(1, -1, 1);
        GoldenCase.AssertClose(found, weighed * (plain.mean() / weighed.mean()), "states", 1e-5);
        Assert.That((found - plain).abs().max().ToDouble(), Is.GreaterThan(0.1));
        Assert.That(found.mean().ToDouble(), Is.EqualTo(plain.mean().ToDouble()).Within(1e-5));
    }

    [Test]
    public void Encode_LongPrompt_IsItsChunksSideBySide()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor both = States("a red apple BREAK a small cat", chunks: 3);
        long length = _clip.Config.MaxPositionEmbeddings;
        Assert.That(both.shape[1], Is.EqualTo(3 * length));
        AssertSame(both.narrow(1, 0, length), States("a red apple"));
        AssertSame(both.narrow(1, length, length), States("a small cat"));
        AssertSame(both.narrow(1, 2 * length, length), States(""));
    }

    [Test]
    public void Encode_SeveralTexts_EachAsAlone()
    {
        using DisposeScope scope = NewDisposeScope();
        var encoder = new PromptEncoder(_model.Tokenizer, _clip);
        EncodedPrompts all = encoder.Encode(encoder.Split(["a cat", "(a dog)", "a cat"], PromptSyntax.Weighted), 1);
        AssertSame(all.States[0], States("a cat")[0]);
        AssertSame(all.States[1], States("(a dog)")[0]);
        AssertSame(all.States[2], States("a cat")[0]);
        AssertSame(all.Pooled[0], all.Pooled[2]);
    }

    [Test]
    public void Encode_EmbeddingOfAWordsOwnVectors_IsTheWord()
    {
        using DisposeScope scope = NewDisposeScope();
        int[] word = _model.Tokenizer.EncodeWithoutSpecialTokens("cat, apple");
        Tensor vectors = _clip.Embed(tensor(word.Select(id => (long)id).ToArray()).unsqueeze(0))[0];
        using TextualInversion embedding = Write(("emb_params", vectors));
        Assert.That((embedding.Name, embedding.Count, embedding.Encoders), Is.EqualTo(("style", word.Length, 1)));
        AssertSame(States("a big STYLE apple", embeddings: [embedding]), States("a big cat, apple apple"));
        Assert.That(
            (States("a big (style:1.4)", embeddings: [embedding]) - States("a big (cat, apple:1.4)")).abs().max().ToDouble(),
            Is.Zero
        );
    }

    [Test]
    public void Encode_ClipSkip_TakesAnEarlierState()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = tensor(_model.Tokenizer.EncodePadded("a cat").Select(id => (long)id).ToArray()).unsqueeze(0);
        ClipTextOutput output = _clip.Forward(ids);
        var encoder = new PromptEncoder(_model.Tokenizer, _clip);
        IReadOnlyList<IReadOnlyList<PromptChunk>> texts = encoder.Split(["a cat"], PromptSyntax.Weighted);
        AssertSame(encoder.Encode(texts, 1, TextState.Normed, 1).States, _clip.FinalLayerNorm(output.HiddenStates[^2]));
        AssertSame(encoder.Encode(texts, 1, TextState.Penultimate).States, output.HiddenStates[^2]);
        Assert.That(() => encoder.Encode(texts, 1, TextState.Normed, output.HiddenStates.Count), Throws.TypeOf<PromptException>());
    }

    [Test]
    public void Encode_Anything_LeavesOnlyItsResultAlive()
    {
        using TextualInversion embedding = Write(("emb_params", zeros([2, _clip.Config.HiddenSize])));
        var encoder = new PromptEncoder(_model.Tokenizer, _clip, [embedding]);
        long before = TensorCount.Settled();
        using (
            EncodedPrompts encoded = encoder.Encode(
                encoder.Split(["a (cat:1.2) BREAK style", "a dog"], PromptSyntax.Weighted),
                2,
                TextState.Normed,
                1
            )
        )
        {
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before + 2));
        }

        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Load_FileOfAnotherForm_IsRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.That(
            () => Write(("a", zeros([2, 4])), ("b", zeros([2, 4]))),
            Throws.TypeOf<WeightsException>().With.Message.Contains("clip_l and clip_g")
        );
        Assert.That(() => Write(("a", zeros([2, 4, 4]))), Throws.TypeOf<WeightsException>().With.Message.Contains("2, 4, 4"));
        Assert.That(
            () => Write(("clip_l", zeros([2, 4])), ("clip_g", zeros([3, 4]))),
            Throws.TypeOf<WeightsException>().With.Message.Contains("clip_g")
        );
    }

    [Test]
    public void Constructor_EmbeddingOfAnotherFamily_IsRefused()
    {
        using TextualInversion embedding = Write(("<other>", zeros([5])));
        Assert.That(embedding.Name, Is.EqualTo("<other>"));
        Assert.That(
            () => new PromptEncoder(_model.Tokenizer, _clip, [embedding]),
            Throws.TypeOf<PromptException>().With.Message.Contains("another model family")
        );
        Assert.That(
            () => new PromptEncoder(_model.Tokenizer, _clip, [embedding], 1),
            Throws.TypeOf<PromptException>().With.Message.Contains("1 text encoder")
        );
    }

    [Test]
    public void Generate_WeightedPrompt_ChangesThePictureAndPlainDoesNot()
    {
        var settings = new Text2ImgSettings
        {
            Prompt = "a red apple",
            NegativePrompt = "blurry",
            NumInferenceSteps = 2,
            Width = 64,
            Height = 64,
            Seed = 3,
        };
        var pipeline = new StableDiffusionPipeline(_model);
        float[] plain = Latents(pipeline, settings);
        Assert.That(Latents(pipeline, settings with { PromptSyntax = PromptSyntax.Weighted }), Is.EqualTo(plain));
        Assert.That(
            Latents(pipeline, settings with { PromptSyntax = PromptSyntax.Weighted, Prompt = "a (red:1.4) apple" }),
            Is.Not.EqualTo(plain)
        );
        Assert.That(
            Latents(pipeline, settings with { PromptSyntax = PromptSyntax.Weighted, Prompt = "a red apple BREAK a cat" }),
            Is.Not.EqualTo(plain)
        );
        Assert.That(
            () => Latents(pipeline, settings with { PromptSyntax = PromptSyntax.Weighted, NegativePrompt = "(a:1000)" }),
            Throws.TypeOf<SettingException>().With.Message.StartsWith("negative_prompt")
        );
    }

    [Test]
    public void Generate_SdxlEmbeddingForBothEncoders_IsTheWord()
    {
        using DisposeScope scope = NewDisposeScope();
        using var model = StableDiffusionXLModel.Load(ModelFiles.Open(GoldenCase.InRepository("tests/Goldens/models/sdxl")));
        Tensor[] vectors =
        [
            .. model.Texts.Select(text =>
                text.Encoder.Embed(tensor(text.Tokenizer.EncodeWithoutSpecialTokens("cat").Select(id => (long)id).ToArray()).unsqueeze(0))[
                    0
                ]
            ),
        ];
        using TextualInversion embedding = Write(("clip_l", vectors[0]), ("clip_g", vectors[1]));
        var settings = new Text2ImgSettings
        {
            Prompt = "a (cat:1.2), BREAK a dog",
            NegativePrompt = "blurry",
            NumInferenceSteps = 2,
            Width = 64,
            Height = 64,
            PromptSyntax = PromptSyntax.Weighted,
        };
        var pipeline = new StableDiffusionPipeline(model);
        float[] word = Latents(pipeline, settings);
        Assert.That(Latents(pipeline, settings with { Prompt = "a (style:1.2), BREAK a dog", Embeddings = [embedding] }), Is.EqualTo(word));
        Assert.That(Latents(pipeline, settings with { Prompt = "a (style:1.2), BREAK a dog" }), Is.Not.EqualTo(word));
    }

    private static float[] Latents(StableDiffusionPipeline pipeline, Text2ImgSettings settings)
    {
        using PictureBatch batch = pipeline.Generate(settings);
        return [.. batch.Latents.contiguous().data<float>()];
    }

    private static void AssertSame(Tensor found, Tensor expected)
    {
        Assert.That(found.shape, Is.EqualTo(expected.shape));
        Assert.That(found.contiguous().data<float>().ToArray(), Is.EqualTo(expected.contiguous().data<float>().ToArray()));
    }

    private Tensor States(string text, PromptSyntax syntax = PromptSyntax.Weighted, int chunks = 1, TextualInversion[]? embeddings = null)
    {
        var encoder = new PromptEncoder(_model.Tokenizer, _clip, embeddings);
        return encoder.Encode(encoder.Split([text], syntax), chunks).States;
    }

    private TextualInversion Write(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = Path.Combine(_folder, "style.safetensors");
        SafetensorsWriter.Write(path, tensors.Select(entry => KeyValuePair.Create(entry.Name, entry.Tensor)));
        return TextualInversion.Load(path);
    }
}
