using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Service.Jobs;
using Generation.Storage.Results;
using Microsoft.Extensions.Options;

namespace Generation.Service.Rendering;

/// <summary>
/// A job's files in the results store, which may be away for a while; at a shutdown the job is handed back instead of waiting.
/// </summary>
internal sealed class StoredFiles(
    IResultsStore results,
    ResultsWatch watch,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<StoredFiles> logger
)
{
    /// <summary>Pixels of a thumbnail's longer side, at most.</summary>
    private const int ThumbnailSide = 256;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Stores a finished file; returns its hash.</summary>
    public Task<string> PutAsync(RunningJob job, byte[] file, string contentType) =>
        AgainAsync(job, token => results.PutAsync(file, contentType, token));

    /// <summary>Makes and stores the small JPEG that lists and galleries show of an output; returns its hash.</summary>
    public Task<string> PutThumbnailAsync(RunningJob job, Picture picture) =>
        PutAsync(
            job,
            PictureCodec.Encode(Thumbnail.Of(picture, ThumbnailSide).ToRgb(), PictureFormat.Jpeg),
            PictureFormat.Jpeg.ContentType()
        );

    /// <summary>An input picture, decoded.</summary>
    /// <param name="field">Of the request, for errors.</param>
    /// <exception cref="PictureException">It is damaged.</exception>
    /// <exception cref="Diffusion.Pipelines.SettingException">It is not in the store any more.</exception>
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
        return PictureCodec.Decode(file);
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
