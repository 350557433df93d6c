using System.Globalization;
using Generation.Diffusion.Schedulers;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// The state of a run between two steps: what another process needs, beside the settings, to continue and arrive at the same bits. Owns its
/// tensors.
/// </summary>
/// <param name="next">The index of the next step.</param>
/// <param name="draws">How often noise was drawn within steps.</param>
/// <param name="latents">(pictures, channels, height, width), float32.</param>
public sealed class LoopState(int next, int draws, Tensor latents, SchedulerState scheduler) : IDisposable
{
    private const string History = "scheduler.";
    private const string Number = "number.";

    public int Next { get; } = next;

    public int Draws { get; } = draws;

    public Tensor Latents { get; } = latents;

    public SchedulerState Scheduler { get; } = scheduler;

    /// <summary>Writes the state as a safetensors file, which appears whole or not at all.</summary>
    public void Save(string path)
    {
        var metadata = Scheduler.Numbers.ToDictionary(
            pair => Number + pair.Key,
            pair => pair.Value.ToString("R", CultureInfo.InvariantCulture),
            StringComparer.Ordinal
        );
        metadata["next"] = Next.ToString(CultureInfo.InvariantCulture);
        metadata["draws"] = Draws.ToString(CultureInfo.InvariantCulture);
        metadata["scheduler"] = Scheduler.Scheduler;
        SafetensorsWriter.Write(
            path,
            Scheduler
                .Tensors.Select(pair => KeyValuePair.Create(History + pair.Key, pair.Value))
                .Append(KeyValuePair.Create("latents", Latents)),
            metadata
        );
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="WeightsException">The file is damaged, or holds something else.</exception>
    public static LoopState Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        try
        {
            var numbers = file
                .Metadata.Where(pair => pair.Key.StartsWith(Number, StringComparison.Ordinal))
                .ToDictionary(
                    pair => pair.Key[Number.Length..],
                    pair => double.Parse(pair.Value, CultureInfo.InvariantCulture),
                    StringComparer.Ordinal
                );
            int next = int.Parse(file.Metadata["next"], CultureInfo.InvariantCulture);
            int draws = int.Parse(file.Metadata["draws"], CultureInfo.InvariantCulture);
            string scheduler = file.Metadata["scheduler"];
            if (!file.Has("latents"))
            {
                throw new KeyNotFoundException("latents");
            }

            var history = file
                .Names.Where(name => name.StartsWith(History, StringComparison.Ordinal))
                .ToDictionary(name => name[History.Length..], name => file.Read(name).DetachFromDisposeScope(), StringComparer.Ordinal);
            return new LoopState(
                next,
                draws,
                file.Read("latents").DetachFromDisposeScope(),
                new SchedulerState(scheduler, history, numbers)
            );
        }
        catch (Exception e) when (e is KeyNotFoundException or FormatException or OverflowException)
        {
            throw new WeightsException($"{path}: is no saved run: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        Latents.Dispose();
        Scheduler.Dispose();
    }
}
