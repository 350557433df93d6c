using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Uploads;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Fal;

/// <summary>
/// Files that clients send for later inputs: pictures. The client asks for two addresses, sends the file to one, without a key, and names
/// the other in its inputs; both have the id that the upload will have.
/// </summary>
internal sealed class FalFiles(
    InputPictures pictures,
    UploadStore uploads,
    UploadAddresses addresses,
    InputOptions limits,
    KeySecret secret,
    FaceCalls calls,
    TimeProvider time,
    IOptions<FaceOptions> options
)
{
    private const string Purpose = "fal upload";

    /// <summary>So long the file may be sent.</summary>
    private static readonly TimeSpan SendFor = TimeSpan.FromHours(1);

    /// <summary>POST rest/storage/upload/initiate: {upload_url, file_url}.</summary>
    public async Task<IResult> InitiateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: false), cancellationToken);
        string extension = body.Text("content_type") switch
        {
            "image/jpeg" or "image/jpg" => "jpeg",
            "image/webp" => "webp",
            _ => "png",
        };
        body.Errors.ThrowIfAny();
        var id = Guid.CreateVersion7(time.GetUtcNow());
        Guid account = http.Caller().AccountId;
        long until = (time.GetUtcNow() + SendFor).ToUnixTimeSeconds();
        string signature = WebEncoders.Base64UrlEncode(secret.Sign(Purpose, Signed(id, account, until)));
        string file = $"{calls.BaseOf(http.Request)}{FalFace.Files}/{InputPictures.UploadPrefix}{id:N}.{extension}";
        return FalFace.Json(
            new JsonObject
            {
                ["upload_url"] = $"{file}?account={account:N}&until={until}&signature={signature}",
                ["file_url"] = file + addresses.QueryOf(id, time.GetUtcNow() + SendFor + UploadStore.KeptFor),
            }
        );
    }

    /// <summary>PUT files/{name}: the file itself, at the address that was given out.</summary>
    public async Task<IResult> PutAsync(string name, HttpContext http, CancellationToken cancellationToken)
    {
        IQueryCollection query = http.Request.Query;
        if (
            OwnPictures.UploadOf(name) is not { } id
            || !Guid.TryParseExact(query["account"], "N", out Guid account)
            || !long.TryParse(query["until"], NumberStyles.None, CultureInfo.InvariantCulture, out long until)
            || !IsSigned(id, account, until, query["signature"].ToString())
        )
        {
            throw new ProblemException(403, "url_invalid", "This address is not as it was given out, or is no longer good.");
        }

        byte[] bytes = await BodyBytes.ReadAsync(http.Request, limits.MaxBytes, cancellationToken);
        try
        {
            StoredPicture kept = await pictures.KeepAsync(bytes, cancellationToken);
            return
                await uploads.AddAsync(id, account, kept.Sha256, kept.ContentType, kept.Bytes, kept.Width, kept.Height, cancellationToken)
                    is not null
                ? FalFace.Json(new JsonObject())
                : throw new ProblemException(409, "already_sent", "Another file was sent to this address before.");
        }
        catch (InputException e)
        {
            throw new ProblemException(
                422,
                "invalid_picture",
                $"The file {e.Message}.",
                new Dictionary<string, string[]> { ["file"] = [e.Message] }
            );
        }
    }

    private bool IsSigned(Guid id, Guid account, long until, string signature)
    {
        try
        {
            return until > time.GetUtcNow().ToUnixTimeSeconds()
                && secret.IsSigned(Purpose, Signed(id, account, until), WebEncoders.Base64UrlDecode(signature), SendFor, time.GetUtcNow());
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static string Signed(Guid id, Guid account, long until) =>
        string.Create(CultureInfo.InvariantCulture, $"{id}/{account}/{until}");
}
