using System.ComponentModel.DataAnnotations;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Results;
using Generation.Storage.Uploads;

namespace Generation.Api.Inputs;

/// <summary>Limits of the pictures that callers bring: configuration section "Inputs".</summary>
internal sealed record InputOptions
{
    public const string Section = "Inputs";

    /// <summary>Largest file of a picture, in bytes.</summary>
    [Range(1, 1L << 30)]
    public long MaxBytes { get; init; } = 32 << 20;

    /// <summary>Largest picture, in pixels.</summary>
    [Range(1, 1L << 31)]
    public long MaxPixels { get; init; } = 40_000_000;

    /// <summary>Largest body of a request that may carry pictures, in bytes.</summary>
    [Range(1, 1L << 30)]
    public long MaxRequestBytes { get; init; } = 96 << 20;
}

/// <summary>
/// Input pictures, however they come: an upload's id, a data URI, base64, or an address to fetch. Kind and size are read from the content
/// before anything is decoded; what is kept lies in the results store under its hash.
/// </summary>
internal sealed class InputPictures(UploadStore uploads, IResultsStore results, OutboundHttp outbound, InputOptions options)
{
    public const string UploadPrefix = "upl_";

    public static string IdOf(Upload upload) => UploadPrefix + upload.Id.ToString("N");

    /// <summary>Brings in the picture that a field names; where that fails, adds to <paramref name="errors"/> and returns null.</summary>
    /// <param name="field">The field.</param>
    /// <param name="source">What it has.</param>
    /// <param name="account">Whose call it is.</param>
    /// <param name="errors">Takes what is wrong with the picture.</param>
    /// <param name="share">What the call takes of memory for bodies; a picture that is fetched is of it until it is stored.</param>
    /// <param name="cancellationToken">Ends the fetching.</param>
    /// <exception cref="ProblemException">There is no memory left for a picture to fetch.</exception>
    public async Task<StoredPicture?> ResolveAsync(
        string field,
        PictureSource source,
        Guid account,
        FieldErrors errors,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        string value = source.Text ?? "";
        if (value.StartsWith(UploadPrefix, StringComparison.Ordinal))
        {
            Upload? upload = Guid.TryParseExact(value[UploadPrefix.Length..], "N", out Guid id)
                ? await uploads.FindAsync(id, account, cancellationToken)
                : null;
            if (upload is null)
            {
                errors.Add(
                    field,
                    $"you have no upload '{ErrorText.Shown(value)}'; uploads are kept for {UploadStore.KeptFor.TotalHours} hours"
                );
                return null;
            }

            return new StoredPicture(upload.Sha256, upload.ContentType, upload.Bytes, upload.Width, upload.Height);
        }

        using BodyShare fetched = share.Another();
        try
        {
            ReadOnlyMemory<byte> bytes =
                source.Bytes is { } file ? file
                : source.Encoded is { } encoded ? Decode(source, encoded)
                : value.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
                || value.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
                    ? await FetchAsync(value, account, fetched, cancellationToken)
                : Decode(value);
            return await KeepAsync(bytes, cancellationToken);
        }
        catch (InputException e)
        {
            errors.Add(field, e.Message);
            return null;
        }
    }

    /// <summary>Checks a picture's bytes and keeps them.</summary>
    /// <exception cref="InputException">They are not a picture, or too large.</exception>
    public async Task<StoredPicture> KeepAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (bytes.Length > options.MaxBytes)
        {
            throw new InputException($"may have {options.MaxBytes} bytes at most, and has {bytes.Length}");
        }

        PictureHeader header = PictureHeader.Read(bytes.Span)
            ?? throw new InputException($"must be a PNG, JPEG or WebP picture, by its content, and is {OtherFormats.NameOf(bytes.Span)}");
        if ((long)header.Width * header.Height > options.MaxPixels)
        {
            throw new InputException($"may have {options.MaxPixels} pixels at most, and is {header.Width} x {header.Height}");
        }

        try
        {
            // What the worker would refuse, minutes later
            PictureCodec.Check(bytes.Span);
        }
        catch (PictureException e)
        {
            throw new InputException($"cannot be used: {e.Message.TrimEnd('.')}");
        }

        string sha256 = await results.PutAsync(bytes, header.ContentType, cancellationToken);
        return new StoredPicture(sha256, header.ContentType, bytes.Length, header.Width, header.Height);
    }

    private async Task<byte[]> FetchAsync(string value, Guid account, BodyShare share, CancellationToken cancellationToken)
    {
        if (OutboundHttp.WhyNot(value, out Uri? address) is { } why)
        {
            throw new InputException(why);
        }

        try
        {
            return await outbound.GetAsync(address!, account, options.MaxBytes, share, cancellationToken);
        }
        catch (OutboundException e)
        {
            throw new InputException($"its address {e.Message}");
        }
    }

    private ReadOnlyMemory<byte> Decode(string value)
    {
        try
        {
            return Base64Pictures.Decode(value, options.MaxBytes);
        }
        catch (FormatException e)
        {
            throw NotBase64(value, e);
        }
    }

    /// <summary>Decodes a long text in the memory that it is in.</summary>
    private ReadOnlyMemory<byte> Decode(PictureSource source, Memory<byte> encoded)
    {
        string start = source.Start(100);
        try
        {
            source.Decoded(Base64Pictures.Decode(encoded, source.IsEscaped, options.MaxBytes));
            return source.Bytes!.Value;
        }
        catch (FormatException e)
        {
            throw NotBase64(start, e);
        }
    }

    private static InputException NotBase64(string value, FormatException e) =>
        new(
            value.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
                ? e.Message
                : "must be an upload's id, a data URI, base64 or an http(s) address, "
                    + $"and is '{ErrorText.Shown(value)}', which {e.Message}"
        );
}

/// <summary>Says what is wrong with a picture, as the end of a sentence that begins with the field's name.</summary>
internal sealed class InputException(string message) : Exception(message);
