using System.Text.RegularExpressions;
using Generation.Api.Inputs;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Uploads;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// Clients send addresses that this system gave them back as input pictures. Those are found here, without a call to
/// oneself, which from inside a private network would be refused.
/// </summary>
internal sealed partial class OwnPictures(JobStore jobs, UploadStore uploads, InputPictures pictures)
{
    /// <summary>For the address of one of the account's own outputs, an upload of the same bytes; anything else as it is.</summary>
    public async Task<PictureSource> ResolveAsync(PictureSource source, Guid account, CancellationToken cancellationToken)
    {
        if (source.Text is not { Length: <= 2000 } value)
        {
            return source;
        }

        if (FilePath().Match(value) is { Success: true } file && UploadOf(file.Groups["name"].Value) is { } upload)
        {
            return PictureSource.Of(InputPictures.UploadPrefix + upload.ToString("N"));
        }

        if (
            OutputPath().Match(value) is not { Success: true } match
            || !JobId.TryParse(match.Groups["job"].Value, null, out JobId id)
            || await jobs.FindAsync(id, account, cancellationToken) is not { } job
            || job.Outputs.FirstOrDefault(o => o.Index == int.Parse(match.Groups["index"].Value)) is not { } output
        )
        {
            return source;
        }

        return PictureSource.Of(
            InputPictures.IdOf(
                await uploads.AddAsync(
                    account,
                    output.Sha256,
                    output.ContentType,
                    output.Bytes,
                    output.Width,
                    output.Height,
                    cancellationToken
                )
            )
        );
    }

    /// <summary>As above, for all pictures of a native body.</summary>
    public async Task ResolveAsync(JobBody body, Guid account, CancellationToken cancellationToken)
    {
        switch (body)
        {
            case ImageBody { Image: { } image } pictures:
                pictures.Image = await ResolveAsync(image, account, cancellationToken);
                break;
            case SuperResolutionBody { Image: { } image } small:
                small.Image = await ResolveAsync(image, account, cancellationToken);
                break;
            case VideoBody { Image: { } image } clip:
                clip.Image = await ResolveAsync(image, account, cancellationToken);
                break;
        }

        if (body is InpaintBody { Mask: { } mask } inside)
        {
            inside.Mask = await ResolveAsync(mask, account, cancellationToken);
        }
    }

    /// <summary>The upload that a file's name (upl_....png) stands for; null if it stands for none.</summary>
    public static Guid? UploadOf(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        string id = dot < 0 ? name : name[..dot];
        return
            id.StartsWith(InputPictures.UploadPrefix, StringComparison.Ordinal)
            && Guid.TryParseExact(id[InputPictures.UploadPrefix.Length..], "N", out Guid upload)
            ? upload
            : null;
    }

    /// <summary>Brings a picture in and keeps it as an upload, for whoever has to know its size first.</summary>
    public async Task<(PictureSource Source, StoredPicture Picture)?> KeepAsync(
        PictureSource source,
        string field,
        Guid account,
        FieldErrors errors,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        if (await pictures.ResolveAsync(field, source, account, errors, share, cancellationToken) is not { } picture)
        {
            return null;
        }

        Upload upload = await uploads.AddAsync(
            account,
            picture.Sha256,
            picture.ContentType,
            picture.Bytes,
            picture.Width,
            picture.Height,
            cancellationToken
        );
        return (PictureSource.Of(InputPictures.IdOf(upload)), picture);
    }

    /// <summary>An uploaded file's address, of whichever face.</summary>
    [GeneratedRegex(
        @"^(https?://[^/]+)?(/[a-z0-9]+){0,3}/files/(?<name>upl_[0-9a-f]{32}[.a-z]*)(/download)?(\?.*)?$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex FilePath();

    [GeneratedRegex(
        @"^(https?://[^/]+)?/v1/jobs/(?<job>[0-9a-f-]{36})/outputs/(?<index>[0-9]{1,3})(\?.*)?$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex OutputPath();
}
