using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Files;

/// <summary>One component within a checkpoint in one file, and how its keys are called here.</summary>
/// <param name="Component">The component's name in the diffusers layout: unet, vae, text_encoder, ...</param>
/// <param name="Prefix">What its keys begin with.</param>
/// <param name="Map">From the checkpoint, and its keys without the prefix, to the weights under the names that networks take.</param>
internal sealed record CheckpointPart(
    string Component,
    string Prefix,
    Func<WeightSource, IReadOnlyCollection<string>, Dictionary<string, WeightPiece>> Map
)
{
    /// <summary>Whether a key, without the prefix, belongs to the component and is left out on purpose.</summary>
    public Func<string, bool> LeavesOut { get; init; } = _ => false;

    /// <summary>A text encoder whose keys have the names that networks take.</summary>
    public static CheckpointPart Clip(string component, string prefix) =>
        new(component, prefix, (_, keys) =>
            keys.Where(key => !IgnoredKeys.Contains(key))
                .Where(key => !IsOfVision(key))
                .ToDictionary(key => key, key => new WeightPiece(prefix + key), StringComparer.Ordinal)
        )
        {
            LeavesOut = IsOfVision,
        };

    /// <summary>A text encoder of OpenCLIP.</summary>
    /// <param name="layers">The number of layers that are used; null for all.</param>
    /// <param name="projected">Whether the text projection is used.</param>
    public static CheckpointPart OpenClip(string component, string prefix, int? layers, bool projected) =>
        new(component, prefix, (source, keys) => OpenClipKeys.Map(source, keys, prefix, layers, projected))
        {
            LeavesOut = key => OpenClipKeys.IsLeftOut(key, layers, projected),
        };

    /// <summary>The autoencoder of the original latent diffusion code.</summary>
    public static CheckpointPart Vae(string prefix) => new("vae", prefix, (_, keys) => LdmVaeKeys.Map(keys, prefix));

    // The other half of CLIP, which files that hold it whole bring along
    private static bool IsOfVision(string key) =>
        key.StartsWith("vision_model.", StringComparison.Ordinal) || key.StartsWith("visual_projection.", StringComparison.Ordinal);
}
