using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Checkpoints;

/// <summary>Checkpoints in one file as converters write them: with names of their own, and with things that no model has.</summary>
[NonParallelizable]
public sealed class ConvertedCheckpointsTests
{
    private const string Clip = "cond_stage_model.transformer.";

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("checkpoint-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Open_AttentionOfTheAutoencoderAsDiffusersNamesIt_IsTheSameModel() =>
        AssertSame(key =>
            key.Replace("mid.attn_1.q.", "mid.attn_1.to_q.", StringComparison.Ordinal)
                .Replace("mid.attn_1.k.", "mid.attn_1.to_k.", StringComparison.Ordinal)
                .Replace("mid.attn_1.v.", "mid.attn_1.to_v.", StringComparison.Ordinal)
                .Replace("mid.attn_1.proj_out.", "mid.attn_1.to_out.0.", StringComparison.Ordinal)
        );

    [Test]
    public void Open_TextEncoderWithoutTheNameOfItsClass_IsTheSameModel() =>
        AssertSame(key => key.Replace(Clip + "text_model.", Clip, StringComparison.Ordinal));

    [Test]
    public void Open_WhatIsLeftOverOfTraining_IsLeftOutAndTold()
    {
        string[] unknown = ["cond_stage_model.text_projection", "denoiser.sigmas", "embedding_manager.initial", "model_notes.weight"];
        string[] silent =
        [
            "cond_stage_model.logit_scale",
            Clip + "logit_scale",
            Clip + "vision_model.embeddings.class_embedding",
            Clip + "visual_projection.weight",
            "model_ema.decay",
        ];
        OneFileModel opened = AssertSame(key => key, [.. unknown, .. silent]);
        Assert.That(opened.Unknown, Is.EqualTo(unknown));
    }

    /// <summary>Writes the reference's checkpoint with other names and more keys, and compares what is loaded with the reference.</summary>
    private OneFileModel AssertSame(Func<string, string> rename, params string[] more)
    {
        string original = GoldenCase.InRepository("tests/Goldens/models/sd15_layout");
        foreach (
            string part in Directory
                .EnumerateFiles(original, "*.json", SearchOption.AllDirectories)
                .Concat(Directory.EnumerateFiles(original, "*.txt", SearchOption.AllDirectories))
        )
        {
            string to = Path.Combine(_folder, Path.GetRelativePath(original, part));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(part, to);
        }

        string path = Path.Combine(_folder, "one_file.safetensors");
        using DisposeScope scope = NewDisposeScope();
        using (var source = SafetensorsFile.Open(Path.Combine(original, "one_file.safetensors")))
        {
            SafetensorsWriter.Write(
                path,
                source
                    .Names.Select(name => KeyValuePair.Create(rename(name), source.Read(name)))
                    .Concat(more.Select(name => KeyValuePair.Create(name, ones(2))))
            );
        }

        using var expected = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(Path.Combine(original, "one_file.safetensors"));
        using var found = (StableDiffusionModel)LatentDiffusionModel.FromPretrained(path);
        foreach (
            (ParameterStore wanted, ParameterStore got) in new[]
            {
                (expected.UNet.Parameters, found.UNet.Parameters),
                (expected.Vae.Parameters, found.Vae.Parameters),
                (expected.TextEncoder.Parameters, found.TextEncoder.Parameters),
            }
        )
        {
            Assert.That(got.Values.Select(p => p.Name), Is.EquivalentTo(wanted.Values.Select(p => p.Name)));
            Assert.That(
                wanted.Values.Where(p => !got[p.Name].Value.equal(p.Value).all().item<bool>()).Select(p => p.Name),
                Is.Empty,
                "weights that differ"
            );
        }

        return OneFileModel.Open(path);
    }
}
