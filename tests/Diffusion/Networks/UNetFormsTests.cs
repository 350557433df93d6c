using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>Forms of the UNet that no reference file has: they build, run at odd sizes, and their inputs do what they should.</summary>
public sealed class UNetFormsTests
{
    private const string Body =
        "\"block_out_channels\": [8, 16], \"norm_num_groups\": 4, \"attention_head_dim\": 2, \"cross_attention_dim\": 12, "
        + "\"layers_per_block\": 1,"
        + "\"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"]";

    private const string Small = "{" + Body + ", \"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"] MORE}";

    [TestCase("")]
    [TestCase(", \"layers_per_block\": [1, 2]")]
    [TestCase(", \"mid_block_type\": null")]
    [TestCase(", \"mid_block_type\": \"UNetMidBlock2D\"")]
    [TestCase(", \"mid_block_scale_factor\": 1.4142")]
    [TestCase(", \"resnet_time_scale_shift\": \"scale_shift\"")]
    [TestCase(", \"time_embedding_type\": \"fourier\"")]
    [TestCase(", \"downsample_padding\": 0")]
    [TestCase(", \"only_cross_attention\": true")]
    [TestCase(", \"encoder_hid_dim\": 12, \"cross_attention_dim\": 20")]
    [TestCase(", \"transformer_layers_per_block\": [2, [1]], \"reverse_transformer_layers_per_block\": [1, [1, 2]]")]
    [TestCase(
        ", \"conv_in_kernel\": 1, \"conv_out_kernel\": 5, \"act_fn\": \"gelu\", \"center_input_sample\": true, \"flip_sin_to_cos\": "
            + "false, \"freq_shift\": 1"
    )]
    public void Forward_OddSizeOfAnyForm_KeepsSizeAndLeavesNoTensor(string more)
    {
        using UNet2DConditionModel unet = Build(more);
        using DisposeScope scope = NewDisposeScope();
        Tensor sample = randn(2, 4, 9, 13),
            prompt = randn(2, 5, 12);
        // The first time lets go of weights that it packs
        unet.Forward(sample, 10, prompt).Dispose();
        long before = TensorCount.Settled();
        Tensor predicted = unet.Forward(sample, 10, prompt);
        Assert.That(Generation.Torch.TorchExtras.LiveTensors, Is.EqualTo(before + 1));
        Assert.That(predicted.shape, Is.EqualTo(sample.shape));
        Assert.That(predicted.isfinite().all().item<bool>(), Is.True);
    }

    [TestCase(", \"num_class_embeds\": 10", 1)]
    [TestCase(", \"class_embed_type\": \"timestep\"", 1)]
    [TestCase(", \"class_embed_type\": \"identity\"", 32)]
    [TestCase(", \"class_embed_type\": \"projection\", \"projection_class_embeddings_input_dim\": 6", 6)]
    [TestCase(", \"class_embed_type\": \"simple_projection\", \"projection_class_embeddings_input_dim\": 6", 6)]
    [TestCase(", \"class_embed_type\": \"projection\", \"projection_class_embeddings_input_dim\": 6, \"class_embeddings_concat\": true", 6)]
    public void Forward_ClassLabelsOfEachKind_ChangeThePrediction(string more, int features)
    {
        using UNet2DConditionModel unet = Build(more);
        using DisposeScope scope = NewDisposeScope();
        Tensor sample = randn(1, 4, 8, 8),
            prompt = randn(1, 5, 12);
        Tensor Labels(double value) => features == 1 ? tensor(new[] { (long)value }) : full([1, features], value);
        Tensor one = unet.Forward(sample, 10, prompt, new UNetConditions { ClassLabels = Labels(1) });
        Tensor two = unet.Forward(sample, 10, prompt, new UNetConditions { ClassLabels = Labels(2) });
        Assert.That((one - two).abs().max().item<float>(), Is.GreaterThan(1e-4));
        ArgumentException error = Assert.Throws<ArgumentException>(() => unet.Forward(sample, 10, prompt))!;
        Assert.That(error.Message, Does.Contain("ClassLabels"));
    }

    [Test]
    public void Forward_MaskedPromptTail_IsAsIfItWereNotThere()
    {
        using UNet2DConditionModel unet = Build("");
        using DisposeScope scope = NewDisposeScope();
        Tensor sample = randn(1, 4, 8, 8),
            prompt = randn(1, 7, 12);
        Tensor mask = tensor(new[] { 1L, 1, 1, 1, 0, 0, 0 }).view(1, 7);
        Tensor masked = unet.Forward(sample, 10, prompt, new UNetConditions { EncoderAttentionMask = mask });
        Tensor cut = unet.Forward(sample, 10, prompt.narrow(1, 0, 4));
        GoldenCase.AssertClose(masked, cut, "masked", 1e-4);
    }

    [Test]
    public void Forward_ZeroResiduals_ChangeNothingAndOthersDo()
    {
        using UNet2DConditionModel unet = Build("");
        using DisposeScope scope = NewDisposeScope();
        Tensor sample = randn(1, 4, 8, 8),
            prompt = randn(1, 5, 12);
        Tensor plain = unet.Forward(sample, 10, prompt);
        Tensor[] down = [zeros(1, 8, 8, 8), zeros(1, 8, 8, 8), zeros(1, 8, 4, 4), zeros(1, 16, 4, 4)];
        Tensor zero = unet.Forward(sample, 10, prompt, new UNetConditions { DownResiduals = down, MidResidual = zeros(1, 16, 4, 4) });
        Tensor mid = unet.Forward(sample, 10, prompt, new UNetConditions { DownResiduals = down, MidResidual = ones(1, 16, 4, 4) });
        Assert.That((zero - plain).abs().max().item<float>(), Is.Zero);
        Assert.That((mid - plain).abs().max().item<float>(), Is.GreaterThan(1e-4));
        ArgumentException error = Assert.Throws<ArgumentException>(() =>
            unet.Forward(sample, 10, prompt, new UNetConditions { DownResiduals = down[..3] })
        )!;
        Assert.That(error.Message, Does.Contain("3 residuals").And.Contains("4 skip connections"));
    }

    [Test]
    public void Forward_WrongChannels_NamesBoth()
    {
        using UNet2DConditionModel unet = Build("");
        using DisposeScope scope = NewDisposeScope();
        ArgumentException error = Assert.Throws<ArgumentException>(() => unet.Forward(randn(1, 9, 8, 8), 10, randn(1, 5, 12)))!;
        Assert.That(error.Message, Does.Contain("(1, 9, 8, 8)").And.Contains("4 channels"));
    }

    [Test]
    public void Forward_PictureOfABatch_IsTheSameAlone()
    {
        using UNet2DConditionModel unet = Build("");
        using DisposeScope scope = NewDisposeScope();
        Tensor sample = randn(3, 4, 8, 8),
            prompt = randn(3, 5, 12),
            times = tensor(new[] { 1f, 500f, 999f });
        Tensor together = unet.Forward(sample, times, prompt);
        for (int k = 0; k < 3; k++)
        {
            Tensor alone = unet.Forward(sample.narrow(0, k, 1), times.narrow(0, k, 1), prompt.narrow(0, k, 1));
            GoldenCase.AssertClose(together.narrow(0, k, 1), alone, $"picture {k}", 1e-5);
        }
    }

    private static UNet2DConditionModel Build(string more)
    {
        // A field that is given again replaces the first
        UNetConfig config = ConfigJson.Parse<UNetConfig>(Small.Replace(" MORE", more, StringComparison.Ordinal));
        return RandomWeights.Build(weights => new UNet2DConditionModel(config, weights));
    }
}
