using Generation.Contracts;

namespace Generation.Worker.Models;

/// <summary>What a model is in memory for: clips are made by other networks than pictures, also where both come from the same files.</summary>
internal enum ModelUse
{
    Pictures,
    Clips,
}

internal static class ModelUses
{
    /// <summary>The use of a kind of job.</summary>
    public static ModelUse Of(JobKind kind) => kind == JobKind.Video ? ModelUse.Clips : ModelUse.Pictures;
}
