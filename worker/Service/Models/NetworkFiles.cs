using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;

namespace Generation.Service.Models;

/// <summary>Reads from a model's configs what its jobs are planned by; no weights are loaded.</summary>
internal static class NetworkFiles
{
    /// <summary>
    /// Reads the facts of a model. Null for networks that have no schedule, and for files that cannot be read: loading them reports what is
    /// wrong.
    /// </summary>
    public static NetworkFacts? Of(ModelEntry entry, string weights)
    {
        if (entry.IsPlainUpscaler)
        {
            return null;
        }

        try
        {
            var files = ModelFiles.Open(weights);
            ModelFamily family = ModelFamilies.Of(new ModelSource(files));
            return new NetworkFacts(files.Scheduler().ToJson(), family.SeesMask(files), family.PromptSyntax == PromptSyntax.Plain);
        }
        catch (Exception e)
            when (e is WeightsException or SchedulerException or JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
