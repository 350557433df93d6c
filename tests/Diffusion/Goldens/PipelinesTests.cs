using System.Text.Json;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Schedulers;
using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Tests.Goldens;

/// <summary>Whole runs equal the reference's, latents and pictures.</summary>
public sealed class PipelinesTests
{
    private static IEnumerable<GoldenCase> Cases => GoldenCase.All("pipelines");

    [TestCaseSource(nameof(Cases))]
    public void Generate_SettingsOfTheReference_GivesItsPictures(GoldenCase golden)
    {
        var call = new PipelineCall(golden);
        using PictureBatch? made = PipelineCalls.Run(call);
        if (made is null)
        {
            golden.NotBuilt(call.Pipeline);
            return;
        }

        using var scope = NewDisposeScope();
        golden.AssertClose(made.Latents.view(golden.Output("latents").shape), "latents");
        golden.AssertClose(made.Images.view(golden.Output("image").shape), "image");
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

    /// <summary>Whether the note names a LoRA file.</summary>
    public bool HasAdapter => Golden.Note?.Contains("models/lora", StringComparison.Ordinal) == true;

    public bool Has(string name) => _arguments.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    public double Number(string name, double otherwise) => Has(name) ? _arguments.GetProperty(name).GetDouble() : otherwise;

    public int? Whole(string name) => Has(name) ? _arguments.GetProperty(name).GetInt32() : null;

    public double? NumberOrNull(string name) => Has(name) ? _arguments.GetProperty(name).GetDouble() : null;

    public bool Flag(string name) => Has(name) && _arguments.GetProperty(name).GetBoolean();

    public (int, int)? Pair(string name) => Has(name) ? (_arguments.GetProperty(name)[0].GetInt32(), _arguments.GetProperty(name)[1].GetInt32()) : null;

    /// <summary>One picture per seed; prompts are given once for all or once for each.</summary>
    public IReadOnlyList<PictureItem> Items()
    {
        JsonElement seed = Golden.Call.GetProperty("seed");
        long[] seeds = seed.ValueKind == JsonValueKind.Array ? [.. seed.EnumerateArray().Select(one => one.GetInt64())] : [seed.GetInt64()];
        return [.. seeds.Select((one, k) => new PictureItem(Text("prompt", k) ?? "", Text("negative_prompt", k), one) { Prompt2 = Text("prompt_2", k), NegativePrompt2 = Text("negative_prompt_2", k) })];
    }

    /// <summary>A model that the note names beside the call's own, as in "models/controlnet over models/sd15".</summary>
    public string Named(string word)
    {
        string name = (Golden.Note ?? "").Split(' ', ',', ';').First(part => part.StartsWith("models/", StringComparison.Ordinal) && part.Contains(word, StringComparison.Ordinal));
        return Path.Combine(GoldenCase.Root, name);
    }

    public Picture Picture(string name)
    {
        using var scope = NewDisposeScope();
        Tensor bytes = Golden.Input(name);
        int channels = bytes.dim() == 2 ? 1 : (int)bytes.shape[2];
        return new Picture((int)bytes.shape[1], (int)bytes.shape[0], channels, bytes.contiguous().bytes.ToArray());
    }

    private string? Text(string name, int k) => !Has(name) ? null
        : _arguments.GetProperty(name) is { ValueKind: JsonValueKind.Array } list ? list[k].GetString()
        : _arguments.GetProperty(name).GetString();
}
