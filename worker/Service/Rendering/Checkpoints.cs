using System.Globalization;
using System.IO.Compression;
using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Service.Jobs;
using Generation.Storage.Results;

namespace Generation.Service.Rendering;

/// <summary>
/// Stores running jobs' latents in the results store and reads them back. A checkpoint is a zip archive with PICTURE.safetensors for each
/// picture begun, and the job's id, so that equal latents of two jobs are two files. A checkpoint that is missing or damaged costs time,
/// not the job: the job begins again.
/// </summary>
internal sealed class Checkpoints(IResultsStore results, ILogger<Checkpoints> logger)
{
    private const string ContentType = "application/zip";
    private const string OwnerEntry = "job";
    private const string Suffix = ".safetensors";

    /// <summary>The largest size that is read, far above any model's latents: a larger file was not written by this class.</summary>
    private const long MaxBytes = 1L << 30;

    /// <summary>Stores the newest state. Null when it is stored already, or could not be stored.</summary>
    public async Task<JobCheckpoint?> SaveNewestAsync(RunningJob job, CancellationToken cancellationToken)
    {
        if (job.Snapshot.Step <= (job.StoredCheckpoint?.Step ?? 0))
        {
            return job.StoredCheckpoint;
        }

        try
        {
            (byte[] archive, int step) = Pack(job);
            string sha256 = await results.PutAsync(archive, ContentType, cancellationToken);
            return new JobCheckpoint(step, sha256);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it was, the lease is renewed without it
            WorkerLog.CheckpointNotSaved(logger, e.Message);
            return null;
        }
    }

    /// <summary>
    /// Deletes the checkpoint that the job's row named before <paramref name="kept"/>. A failure is harmless: the retention sweep deletes
    /// what is left.
    /// </summary>
    public async Task ForgetOlderAsync(RunningJob job, JobCheckpoint? kept, CancellationToken cancellationToken)
    {
        if (kept is null || kept == job.StoredCheckpoint)
        {
            return;
        }

        JobCheckpoint? older = job.StoredCheckpoint;
        job.StoredCheckpoint = kept;
        await ForgetAsync(older, cancellationToken);
    }

    /// <summary>Deletes a job's checkpoint, once the job is over.</summary>
    public async Task ForgetAsync(JobCheckpoint? checkpoint, CancellationToken cancellationToken)
    {
        if (checkpoint is null)
        {
            return;
        }

        try
        {
            await results.DeleteAsync(checkpoint.Sha256, cancellationToken);
        }
        catch (Exception e) when (Transient.Is(e))
        {
            WorkerLog.CheckpointNotForgotten(logger, e.Message);
        }
    }

    /// <summary>Reads an earlier worker's checkpoint into the job's snapshot, and returns whether there was one.</summary>
    public async Task<bool> RestoreAsync(RunningJob job, CancellationToken cancellationToken)
    {
        if (job.Claim.Checkpoint is not { } checkpoint)
        {
            return false;
        }

        try
        {
            await using Stream? stored = await results.OpenAsync(checkpoint.Sha256, cancellationToken);
            if (stored is null)
            {
                WorkerLog.CheckpointUnusable(logger, "it is not in the results store");
                return false;
            }

            using var archive = new ZipArchive(stored, ZipArchiveMode.Read);
            foreach (ZipArchiveEntry entry in archive.Entries.Where(e => e.Name.EndsWith(Suffix, StringComparison.Ordinal)))
            {
                int picture = int.Parse(entry.Name[..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture);
                job.Snapshot.Update(picture, await UnpackAsync(entry, cancellationToken), checkpoint.Step);
            }

            job.StoredCheckpoint = checkpoint;
            WorkerLog.CheckpointRestored(logger, checkpoint.Step);
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or OverflowException or WeightsException || Transient.Is(e))
        {
            WorkerLog.CheckpointUnusable(logger, e.Message);
            job.Snapshot.Clear();
            return false;
        }
    }

    private static (byte[] Archive, int Step) Pack(RunningJob job)
    {
        using var bytes = new MemoryStream();
        int step;
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var owner = new StreamWriter(archive.CreateEntry(OwnerEntry, CompressionLevel.NoCompression).Open()))
            {
                owner.Write($"{job.Claim.Id} {job.Claim.LeaseEpoch}");
            }

            step = job.Snapshot.Use(
                (states, done) =>
                {
                    foreach ((int picture, LoopState state) in states)
                    {
                        using Stream entry = archive
                            .CreateEntry(picture.ToString(CultureInfo.InvariantCulture) + Suffix, CompressionLevel.Fastest)
                            .Open();
                        WithTemporaryFile(path =>
                        {
                            state.Save(path);
                            using FileStream file = File.OpenRead(path);
                            file.CopyTo(entry);
                        });
                    }

                    return done;
                }
            );
        }

        return (bytes.ToArray(), step);
    }

    private static async Task<LoopState> UnpackAsync(ZipArchiveEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Length > MaxBytes)
        {
            throw new InvalidDataException($"it claims {entry.Length} bytes of latents");
        }

        string path = TemporaryPath();
        try
        {
            await using (Stream packed = await entry.OpenAsync(cancellationToken))
            await using (FileStream file = File.Create(path))
            {
                await packed.CopyToAsync(file, cancellationToken);
            }

            return LoopState.Load(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void WithTemporaryFile(Action<string> use)
    {
        string path = TemporaryPath();
        try
        {
            use(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string TemporaryPath() => Path.Combine(Path.GetTempPath(), $"generation-{Guid.NewGuid():N}{Suffix}");
}
