using Microsoft.Extensions.Options;

namespace Generation.Service.Models;

/// <summary>How much memory loaded models may take.</summary>
internal sealed class MemoryBudget(IOptions<WorkerOptions> options)
{
    /// <summary>In bytes. Without a setting: six tenths of what this process may use, a container's limit counted.</summary>
    public long Bytes { get; } =
        options.Value.ModelMemoryMiB > 0 ? options.Value.ModelMemoryMiB << 20 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 10 * 6;
}
