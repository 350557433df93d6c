using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Families.StableDiffusionXL;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families;

/// <summary>The families that this library knows: the one place where they are registered.</summary>
public static class ModelFamilies
{
    /// <summary>All families. The first one that knows a model's files loads it.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        new AnimateDiffFamily(),
        new StableVideoDiffusionFamily(),
        new FluxFamily(),
        new StableDiffusionFamily(),
        new StableDiffusionXLFamily(),
    ];

    /// <summary>The published models whose configs are known without a folder.</summary>
    public static IReadOnlyList<PublishedModel> Published { get; } = [.. All.SelectMany(family => family.Published)];

    /// <summary>Loads a model of any family. The caller disposes it.</summary>
    /// <param name="path">A folder in the diffusers layout, or a checkpoint in one file.</param>
    /// <param name="dtype">The number type that the networks compute in.</param>
    /// <param name="device">The device to load onto; null is the CPU.</param>
    /// <exception cref="WeightsException">It is no model of a known family, or a component is missing or does not fit.</exception>
    public static DiffusionModel FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load(new ModelSource(ModelFiles.Open(path)), dtype, device);

    /// <summary>Loads a model from opened files.</summary>
    /// <inheritdoc cref="FromPretrained"/>
    public static DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Of(source).Load(source, dtype, device);

    /// <summary>The family that a model belongs to.</summary>
    /// <exception cref="WeightsException">No family knows it.</exception>
    public static ModelFamily Of(ModelSource source) =>
        All.FirstOrDefault(family => family.Knows(source))
        ?? throw new WeightsException(
            $"{source.Files.Path}: holds no network that makes pictures (neither a unet nor a transformer of a known family)."
        );

    /// <summary>Finds out from a LoRA's file which models it was trained for.</summary>
    public static AdapterFit FitOfLora(SafetensorsFile file) =>
        All.Select(family => family.FitOfLora(file)).FirstOrDefault(fit => fit is not null) ?? ByWidth(WidthOfLora(file));

    /// <summary>Finds out from a textual inversion file which models it was trained for.</summary>
    public static AdapterFit FitOfEmbedding(SafetensorsFile file) =>
        All.Select(family => family.FitOfEmbedding(file)).FirstOrDefault(fit => fit is not null)
        ?? ByWidth(file.Entry(file.Names.First()).Shape[^1]);

    // The side of a LoRA that reads the prompt: (rank, features)
    private static long WidthOfLora(SafetensorsFile file)
    {
        string[] downs = ["lora_down", "lora_A", "lora.down"];
        string? down = file.Names.FirstOrDefault(name =>
            name.Contains("attn2", StringComparison.Ordinal)
            && name.Contains("to_k", StringComparison.Ordinal)
            && downs.Any(part => name.Contains(part, StringComparison.Ordinal))
        );
        return down is null ? 0 : file.Entry(down).Shape[^1];
    }

    private static AdapterFit ByWidth(long features) =>
        new(features, Published.FirstOrDefault(model => model.PromptFeatures == features)?.Name ?? $"of {features} features");
}
