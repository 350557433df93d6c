using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Isolation;
using Generation.Service.Jobs;
using Generation.Storage.Results;
using Microsoft.Extensions.Options;

namespace Generation.Service.Rendering;

/// <summary>
/// Reads and writes a job's files in the results store, and tries again while the store does not answer. At a shutdown the job is handed
/// back instead of waiting.
/// </summary>
internal sealed class StoredFiles(
    IResultsStore results,
    DecoderPool decoders,
    ResultsWatch watch,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<StoredFiles> logger
)
{
    /// <summary>Pixels of a thumbnail's longer side, at most.</summary>
    private const int ThumbnailSide = 256;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Stores a finished file, and returns its SHA-256 in hexadecimal.</summary>
    public Task<string> PutAsync(RunningJob job, byte[] file, string contentType) =>
        AgainAsync(job, token => results.PutAsync(file, contentType, token));

    /// <summary>
    /// Makes and stores the small JPEG that lists and galleries show of an output, and returns its SHA-256 in hexadecimal.
    /// </summary>
    public Task<string> PutThumbnailAsync(RunningJob job, Picture picture) =>
        PutAsync(
            job,
            PictureCodec.Encode(Thumbnail.Of(picture, ThumbnailSide).ToRgb(), PictureFormat.Jpeg),
            PictureFormat.Jpeg.ContentType()
        );

    /// <summary>Reads an input picture, and decodes it in a process of its own.</summary>
    /// <param name="field">The field of the request that names the picture, for errors.</param>
    /// <exception cref="InputPictureException">The picture is damaged, or takes too much to decode.</exception>
    /// <exception cref="Diffusion.Pipelines.SettingException">The picture is no longer in the store.</exception>
    public async Task<Picture> ReadPictureAsync(RunningJob job, string field, StoredPicture picture)
    {
        byte[] file = await AgainAsync(job, async token =>
        {
            await using Stream? stored = await results.OpenAsync(picture.Sha256, token);
            if (stored is null)
            {
                throw new Diffusion.Pipelines.SettingException(field, "is not there any more; send it again.");
            }

            using var bytes = new MemoryStream();
            await stored.CopyToAsync(bytes, token);
            return bytes.ToArray();
        });
        try
        {
            return await decoders.DecodeAsync(file, job.Stop.Token);
        }
        catch (PictureException e)
        {
            throw new InputPictureException(field, e);
        }
    }

    private async Task<T> AgainAsync<T>(RunningJob job, Func<CancellationToken, Task<T>> call)
    {
        TimeSpan most = options.Value.StoreTime;
        using var limit = new CancellationTokenSource(most, time);
        while (true)
        {
            try
            {
                return await call(limit.Token);
            }
            catch (Exception e) when (Transient.Is(e) && !limit.IsCancellationRequested)
            {
                WorkerLog.OutputNotStored(logger, job.Claim.Id, e.Message);
                watch.Look();
                job.Stop.Token.ThrowIfCancellationRequested();
                await Task.Delay(Pause, time, job.Stop.Token);
            }
            catch (OperationCanceledException e) when (limit.IsCancellationRequested)
            {
                throw new ResultsStoreException($"The results store did not answer within {most.TotalSeconds} s.", e);
            }
        }
    }
}

/// <summary>A picture of the request cannot be used.</summary>
/// <param name="field">The field of the request that names it.</param>
internal sealed class InputPictureException(string field, PictureException cause) : Exception(cause.Message, cause)
{
    public string Field { get; } = field;
}
