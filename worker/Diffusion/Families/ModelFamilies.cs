using Generation.Diffusion.Adapters;
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

    /// <summary>
    /// Finds out from a LoRA file which models it was trained for: from its shapes or, where they do not show it, from the metadata of its
    /// trainer.
    /// </summary>
    public static AdapterFit FitOfLora(SafetensorsFile file)
    {
        var marks = LoraMarks.Of(file);
        if (All.Select(family => family.NameOf(marks)).FirstOrDefault(name => name is not null) is { } family)
        {
            return new AdapterFit(family, marks.Fits);
        }

        if (marks.Context is { } context)
        {
            return new AdapterFit(NameByWidth(context), marks.Fits);
        }

        if (marks.Denoiser is not null && Published.FirstOrDefault(model => model.IsCalled(marks.Architecture)) is { } told)
        {
            LoraMarks known = marks with { Context = told.PromptFeatures };
            return new AdapterFit(told.Name, known.Fits);
        }

        string part = marks.Denoiser is null ? $"with a text encoder of {marks.Text ?? marks.Text2} features" : $"with a {marks.Denoiser}";
        return new AdapterFit(part, marks.Fits);
    }

    /// <summary>Finds out from a textual inversion file which models it was trained for.</summary>
    public static AdapterFit FitOfEmbedding(SafetensorsFile file)
    {
        if (All.Select(family => family.FitOfEmbedding(file)).FirstOrDefault(fit => fit is not null) is { } fit)
        {
            return fit;
        }

        long features = file.Names.Select(name => file.Entry(name).Shape).FirstOrDefault(shape => shape.Length > 0)?[^1] ?? 0;
        return new AdapterFit(NameByWidth(features), model => model.Embedding == features);
    }

    private static string NameByWidth(long features) =>
        Published.FirstOrDefault(model => model.PromptFeatures == features)?.Name ?? $"of {features} features";
}
