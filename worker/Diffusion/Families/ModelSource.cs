using Generation.Diffusion.Families.Files;

namespace Generation.Diffusion.Families;

/// <summary>What a model is loaded from.</summary>
/// <param name="Files">Its folder or its checkpoint.</param>
public sealed record ModelSource(ModelFiles Files)
{
    /// <summary>Folder of a motion adapter with which a model of pictures makes clips; null: none.</summary>
    public string? MotionAdapter { get; init; }
}
