using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>config.json files: the reference's defaults, its lists and single values, and errors that name the field.</summary>
public sealed class ConfigTests
{
    [Test]
    public void Parse_EmptyConfig_GivesTheReferencesDefaults()
    {
        UNetConfig config = ConfigJson.Parse<UNetConfig>("{}");
        Assert.Multiple(() =>
        {
            Assert.That(config.BlockOutChannels, Is.EqualTo(new[] { 320, 640, 1280, 1280 }));
            Assert.That(config.CrossAttentionDim[3], Is.EqualTo(1280));
            Assert.That(config.AttentionHeadDim[0], Is.EqualTo(8));
            Assert.That(config.DownBlockTypes[3], Is.EqualTo(DownBlockType.DownBlock2D));
            Assert.That(config.ActFn, Is.EqualTo(Activation.Silu));
            Assert.That(config.TimeEmbedDim, Is.EqualTo(1280));
        });
    }

    [Test]
    public void Parse_ListsAndSingleValues_AreReadPerBlock()
    {
        UNetConfig config = ConfigJson.Parse<UNetConfig>(
            """
            {
              "block_out_channels": [32, 64], "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
              "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
              "layers_per_block": [1, 3], "attention_head_dim": [2, 4], "cross_attention_dim": [16, 24], "only_cross_attention": [true,
              false],
              "transformer_layers_per_block": [[1], [1, 2, 3]], "reverse_transformer_layers_per_block": [[4, 3, 2, 1], 1],
              "sample_size": [16, 24]
            }
            """
        );
        Assert.Multiple(() =>
        {
            Assert.That(config.LayersPerBlock[1], Is.EqualTo(3));
            Assert.That(config.TransformerLayersPerBlock[1][2], Is.EqualTo(3));
            Assert.That(config.UpTransformerLayers(0)[0], Is.EqualTo(4));
            Assert.That(config.UpTransformerLayers(1)[1], Is.EqualTo(1));
            Assert.That(config.OnlyCrossAttention[0], Is.True);
            Assert.That(config.SampleSize!.Value[1], Is.EqualTo(24));
        });
    }

    [TestCase("""{"act_fn": "gelu_of_tomorrow"}""", "act_fn", "gelu_of_tomorrow", "silu")]
    [TestCase("""{"down_block_types": ["DownBlock2D", "KDownBlock2D"]}""", "down_block_types[1]", "KDownBlock2D", "CrossAttnDownBlock2D")]
    [TestCase(
        """
            {"block_out_channels": [30, 64], "down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"]}
            """,
        "norm_num_groups",
        "32",
        "30"
    )]
    [TestCase("""{"layers_per_block": [2, 2]}""", "layers_per_block", "2 values", "4 blocks")]
    [TestCase("""{"addition_embed_type": "text_time"}""", "addition_embed_type", "TextTime", "addition_time_embed_dim")]
    [TestCase("""{"dual_cross_attention": true}""", "dual_cross_attention", "True", "false")]
    [TestCase("""{"in_channels": "four"}""", "in_channels", "UNetConfig", "Int32")]
    [TestCase("""{"in_channels": 4""", "UNetConfig", "", "")]
    public void Parse_BadValue_NamesFieldValueAndLimit(string json, string field, string value, string limit)
    {
        ConfigException error = Assert.Throws<ConfigException>(() => ConfigJson.Parse<UNetConfig>(json))!;
        Assert.That(error.Message, Does.Contain(field).And.Contains(value).And.Contains(limit));
    }

    [Test]
    public void Load_BadFile_NamesTheFile()
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, """{"scaling_factor": 0}""");
        try
        {
            ConfigException error = Assert.Throws<ConfigException>(() => ConfigJson.Load<AutoencoderConfig>(path))!;
            Assert.That(error.Message, Does.Contain(path).And.Contains("scaling_factor"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void PerBlock_WrittenAndRead_IsTheSame()
    {
        const string Each = "[1,[2,3]]";
        PerBlock<PerBlock<int>> read = System.Text.Json.JsonSerializer.Deserialize<PerBlock<PerBlock<int>>>(Each);
        Assert.That(System.Text.Json.JsonSerializer.Serialize(read), Is.EqualTo(Each));
    }
}
