using Generation.Contracts;

namespace Generation.Service.Models;

/// <summary>
/// What a model is in memory for: clips are made by other networks than pictures, also where both come from the same files.
/// </summary>
internal enum ModelUse
{
    Pictures,
    Clips,
}

internal static class ModelUses
{
    /// <summary>What a model is first wanted for.</summary>
    public static ModelUse First(ModelEntry entry) => entry.Kinds.All(kind => kind == JobKind.Video) ? ModelUse.Clips : ModelUse.Pictures;
}
