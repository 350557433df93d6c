using Generation.Api.Web;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Control;
using Generation.Imaging.Isolation;
using Generation.Imaging.Resizing;
using Generation.Storage.Results;

namespace Generation.Api.Inputs;

/// <summary>
/// Makes control pictures as a worker would make them of the same request, for people to look at. One at a time; the picture is decoded
/// where nothing else is to be had, and comes here in the size that is asked for.
/// </summary>
internal sealed class ControlPreviews(IResultsStore results, ILogger<ControlPreviews> logger) : IAsyncDisposable
{
    /// <summary>How long a preview waits for those before it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DecoderPool _decoders = new(1);
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Makes a control picture.</summary>
    /// <param name="request">A request that has been checked.</param>
    /// <param name="plan">What is done for it.</param>
    /// <param name="index">Which of its control pictures.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A PNG file.</returns>
    /// <exception cref="ProblemException">The picture cannot be decoded, or too many previews wait.</exception>
    public async Task<byte[]> MakeAsync(ControlNetRequest request, JobPlan plan, int index, CancellationToken cancellationToken)
    {
        if (!await _turn.WaitAsync(Patience, cancellationToken))
        {
            throw new ProblemException(503, "previews_busy", "Too many previews are being made at present; try again.")
            {
                RetryAfterSeconds = 5,
            };
        }

        try
        {
            ControlUse control = request.Control[index];
            // The aspect is the output's; the network's own differs a little where its sides are rounded
            var size = new DecodedSize(request.Width, request.Height, ControlPictures.FindResizeMode(control.ResizeMode)!.Value);
            Picture sized = await _decoders.DecodeAsync(await ReadAsync(control.Image, cancellationToken), size, cancellationToken);
            Picture made = ControlPictures.Prepare(
                sized,
                ControlPictures.FindPreprocessor(control.Preprocessor)!.Value,
                plan.Passes[0].Width,
                plan.Passes[0].Height,
                FitMode.Stretch
            );
            return PictureCodec.Encode(made, PictureFormat.Png);
        }
        catch (PictureException e)
        {
            throw new ProblemException(
                422,
                "invalid_picture",
                $"The control picture cannot be used: {e.Message}",
                new Dictionary<string, string[]> { [$"control[{index}].image"] = [$"cannot be used: {e.Message.TrimEnd('.')}"] }
            );
        }
        catch (DecoderException e)
        {
            ApiLog.NoDecoder(logger, e.Message);
            throw new ProblemException(
                503,
                "previews_unavailable",
                "Pictures cannot be decoded here at present; the log of the API says why. Jobs are not concerned."
            );
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _decoders.DisposeAsync();
        _turn.Dispose();
    }

    private async Task<byte[]> ReadAsync(StoredPicture picture, CancellationToken cancellationToken)
    {
        await using Stream file = await results.OpenAsync(picture.Sha256, cancellationToken)
            ?? throw new ResultsStoreException($"The picture {picture.Sha256}, which was there a moment ago, is gone.");
        byte[] bytes = new byte[picture.Bytes];
        await file.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }
}
