using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>Whole runs equal the reference's, latents and pictures.</summary>
public sealed class PipelinesTests
{
    // Both groups are of one form; the second has other settings, sizes and seeds over the same models
    private static IEnumerable<GoldenCase> Cases => GoldenCase.All("pipelines").Concat(GoldenCase.All("settings"));

    [TestCaseSource(nameof(Cases))]
    public void Generate_SettingsOfTheReference_GivesItsPictures(GoldenCase golden)
    {
        var call = new PipelineCall(golden);
        using PictureBatch? made = PipelineCalls.Run(call);
        if (made is null)
        {
            golden.Unknown(call.Pipeline);
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        Assert.That(golden.Outputs, Is.Not.Empty);
        foreach (string output in golden.Outputs)
        {
            Tensor actual = (output == "latents" ? made.Latents : made.Images).view(golden.Output(output).shape);
            if (output == "image" && call.Has("padding_mask_crop"))
            {
                AssertPasted(golden, call, made, actual);
            }
            else
            {
                golden.AssertClose(actual, output);
            }
        }
    }

    /// <summary>
    /// A part that is pasted back has been rounded to 8 bits on the way. Which way a value half between two of the 255 steps goes is
    /// decided by the last bits of float32, and those differ between processors and builds of torch (the reference's own pictures by up to
    /// 6e-6 between torch 1.13 and 2.15, which is 0.0015 of a step): such values may be rounded either way, and with one choice of
    /// them the whole picture is the reference's.
    /// </summary>
    private static void AssertPasted(GoldenCase golden, PipelineCall call, PictureBatch made, Tensor actual)
    {
        const float AtHalf = 0.002f;
        Picture original = call.Picture("image");
        Picture mask = call.Picture("mask_image");
        Tensor decoded = PipelineCalls.Decode(call, made.Latents);
        Picture painted = PictureTensors.ToPictures(decoded)[0];
        PictureRegion region = mask.ToGrey().CropRegion(painted.Width, painted.Height, call.Whole("padding_mask_crop")!.Value);
        Tensor Pasted() => PictureTensors.FromPicture(MaskTools.Overlay(original, painted, mask, region)).permute(0, 2, 3, 1);
        Assert.That(Pasted().Equals(actual), Is.True, "the pipeline's picture is its part, pasted back");

        Tensor wanted = golden.Output("image").view(actual.shape);
        float[] values = [.. (decoded * 255).flatten().data<float>()];
        double off = Off();
        for (int i = 0; i < values.Length && off > 0; i++)
        {
            float fraction = values[i] - MathF.Floor(values[i]);
            if (MathF.Abs(fraction - 0.5f) > AtHalf)
            {
                continue;
            }

            byte rounded = painted.Bytes[i];
            painted.Bytes[i] = (byte)(rounded > values[i] ? rounded - 1 : rounded + 1);
            double other = Off();
            if (other < off)
            {
                off = other;
            }
            else
            {
                painted.Bytes[i] = rounded;
            }
        }

        golden.AssertClose(Pasted(), "image");

        double Off()
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor far = (Pasted() - wanted).abs();
            return far.gt(golden.Tolerance).to(ScalarType.Float32).sum().item<float>();
        }
    }
}

/// <summary>What case.json asks for.</summary>
internal sealed class PipelineCall
{
    private readonly JsonElement _arguments;

    public PipelineCall(GoldenCase golden)
    {
        Golden = golden;
        _arguments = golden.Call.GetProperty("arguments");
    }

    public GoldenCase Golden { get; }

    public string Pipeline => Golden.Call.GetProperty("pipeline").GetString()!;

    public string Model => Path.Combine(GoldenCase.Root, Golden.Call.GetProperty("model").GetString()!);

    public SchedulerConfig Scheduler => SchedulerConfig.FromJson(Golden.Call.GetProperty("scheduler"));

    /// <summary>The LoRA file that the note names, as in "models/lora/kohya.safetensors at scale 0.4".</summary>
    public (string Path, double Scale)? Adapter
    {
        get
        {
            Match match = Regex.Match(
                Golden.Note ?? "",
                @"(?<file>models/lora/\S+) at scale (?<scale>[0-9.]+)",
                RegexOptions.ExplicitCapture,
                TimeSpan.FromSeconds(1)
            );
            return match.Success
                ? (
                    Path.Combine(GoldenCase.Root, match.Groups["file"].Value),
                    double.Parse(match.Groups["scale"].Value, CultureInfo.InvariantCulture)
                )
                : null;
        }
    }

    public bool Has(string name) => _arguments.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    public double Number(string name, double otherwise) => Has(name) ? _arguments.GetProperty(name).GetDouble() : otherwise;

    public int? Whole(string name) => Has(name) ? _arguments.GetProperty(name).GetInt32() : null;

    public double? NumberOrNull(string name) => Has(name) ? _arguments.GetProperty(name).GetDouble() : null;

    public bool Flag(string name) => Has(name) && _arguments.GetProperty(name).GetBoolean();

    public (int, int)? Pair(string name) =>
        Has(name) ? (_arguments.GetProperty(name)[0].GetInt32(), _arguments.GetProperty(name)[1].GetInt32()) : null;

    /// <summary>One picture per seed; prompts are given once for all or once for each.</summary>
    public IReadOnlyList<PictureItem> Items()
    {
        JsonElement seed = Golden.Call.GetProperty("seed");
        long[] seeds = seed.ValueKind == JsonValueKind.Array ? [.. seed.EnumerateArray().Select(one => one.GetInt64())] : [seed.GetInt64()];
        return
        [
            .. seeds.Select(
                (one, k) =>
                    new PictureItem(Text("prompt", k) ?? "", Text("negative_prompt", k), one)
                    {
                        Prompt2 = Text("prompt_2", k),
                        NegativePrompt2 = Text("negative_prompt_2", k),
                    }
            ),
        ];
    }

    /// <summary>A model that the note names beside the call's own, as in "models/controlnet over models/sd15".</summary>
    public string Named(string word)
    {
        string name = (Golden.Note ?? "")
            .Split(' ', ',', ';')
            .First(part => part.StartsWith("models/", StringComparison.Ordinal) && part.Contains(word, StringComparison.Ordinal));
        return Path.Combine(GoldenCase.Root, name);
    }

    public Picture Picture(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor bytes = Golden.Input(name);
        int channels = bytes.dim() == 2 ? 1 : (int)bytes.shape[2];
        return new Picture((int)bytes.shape[1], (int)bytes.shape[0], channels, bytes.contiguous().bytes.ToArray());
    }

    private string? Text(string name, int k) =>
        !Has(name) ? null
        : _arguments.GetProperty(name) is { ValueKind: JsonValueKind.Array } list ? list[k].GetString()
        : _arguments.GetProperty(name).GetString();
}
