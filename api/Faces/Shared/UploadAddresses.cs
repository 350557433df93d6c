using System.Globalization;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Microsoft.AspNetCore.WebUtilities;

namespace Generation.Api.Faces.Shared;

/// <summary>Signed addresses of uploads, at which they can be fetched without a key as long as they are kept.</summary>
internal sealed class UploadAddresses(UploadStore uploads, IResultsStore results, KeySecret secret, TimeProvider time)
{
    private const string Purpose = "upload address";

    /// <summary>What stands behind an upload's path in its address, from the question mark.</summary>
    public string QueryOf(Guid upload, DateTimeOffset until)
    {
        long expires = until.ToUnixTimeSeconds();
        string signature = WebEncoders.Base64UrlEncode(secret.Sign(Purpose, TextOf(upload, expires)));
        return string.Create(CultureInfo.InvariantCulture, $"?expires={expires}&signature={signature}");
    }

    /// <summary>GET of an upload by its address; <paramref name="name"/> is the last part of its path.</summary>
    /// <exception cref="ProblemException">The address is not one that was given out, or the upload is no longer kept.</exception>
    public async Task<IResult> FileAsync(string name, HttpContext http, CancellationToken cancellationToken)
    {
        string expires = http.Request.Query["expires"].ToString();
        if (
            OwnPictures.UploadOf(name) is not { } id
            || !long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out long until)
            || !IsSigned(id, until, http.Request.Query["signature"].ToString())
            || until <= time.GetUtcNow().ToUnixTimeSeconds()
            || await uploads.FindAsync(id, null, cancellationToken) is not { } upload
            || await results.OpenAsync(upload.Sha256, cancellationToken) is not { } file
        )
        {
            throw new ProblemException(404, "not_found", "This address is not as it was given out, or its picture is no longer kept.");
        }

        http.Response.Headers.CacheControl = "private, max-age=86400, immutable";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(file, upload.ContentType, lastModified: upload.CreatedAt);
    }

    private bool IsSigned(Guid upload, long expires, string signature)
    {
        try
        {
            byte[] bytes = WebEncoders.Base64UrlDecode(signature);
            return secret.IsSigned(Purpose, TextOf(upload, expires), bytes, UploadStore.KeptFor, time.GetUtcNow());
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static string TextOf(Guid upload, long expires) => string.Create(CultureInfo.InvariantCulture, $"{upload}/{expires}");
}
