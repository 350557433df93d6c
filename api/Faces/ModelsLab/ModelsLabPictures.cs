using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Faces;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Microsoft.AspNetCore.WebUtilities;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>
/// Pictures that clients send to get an address for them. They are uploads as the native API keeps them; the address is
/// signed, and good as long as the upload is kept.
/// </summary>
internal sealed class ModelsLabPictures(
    InputPictures pictures,
    UploadStore uploads,
    IResultsStore results,
    ObjectNumbers numbers,
    KeySecret secret,
    TimeProvider time
)
{
    /// <summary>Under which the files lie.</summary>
    public const string Path = "/api/files";

    private const string Purpose = "upload address";

    /// <summary>base64_crop: {link, request_id}.</summary>
    /// <exception cref="ProblemException">The field is no picture.</exception>
    public async Task<JsonNode> UploadAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        Upload upload = await KeepAsync(call, cancellationToken);
        return new JsonObject
        {
            ["status"] = "success",
            ["message"] = "image uploaded",
            ["messege"] = "image uploaded",
            ["link"] = call.Base + AddressOf(upload),
            ["request_id"] = await numbers.OfAsync(upload.Id, cancellationToken),
        };
    }

    /// <summary>base64_to_url: {id, output}.</summary>
    /// <exception cref="ProblemException">The field is no picture.</exception>
    public async Task<JsonNode> ToUrlAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        Upload upload = await KeepAsync(call, cancellationToken);
        return new JsonObject
        {
            ["status"] = "success",
            ["id"] = await numbers.OfAsync(upload.Id, cancellationToken),
            ["output"] = new JsonArray(call.Base + AddressOf(upload)),
        };
    }

    /// <summary>GET of an uploaded picture by its address.</summary>
    public async Task<IResult> FileAsync(string name, HttpContext http, CancellationToken cancellationToken)
    {
        Guid? id = OwnPictures.UploadOf(name);
        string expires = http.Request.Query["expires"].ToString();
        if (
            id is null
            || !long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out long until)
            || !IsSigned(id.Value, until, http.Request.Query["signature"].ToString())
            || until <= time.GetUtcNow().ToUnixTimeSeconds()
            || await uploads.FindAsync(id.Value, null, cancellationToken) is not { } upload
            || await results.OpenAsync(upload.Sha256, cancellationToken) is not { } file
        )
        {
            throw new ProblemException(404, "not_found", "This address is not as it was given out, or its picture is no longer kept.");
        }

        http.Response.Headers.CacheControl = "private, max-age=86400, immutable";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(file, upload.ContentType, lastModified: upload.CreatedAt);
    }

    private async Task<Upload> KeepAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        string[] names = ["image", "init_image", "base64_string", "init_obj", "base64_image"];
        string field = names.FirstOrDefault(call.Body.Has) ?? (call.Dialect.Operation == "base64_crop" ? "image" : "init_image");
        var errors = new FieldErrors();
        if (call.Body.Picture(field) is not { } picture)
        {
            errors.Add(field, "is required");
        }
        else if (await pictures.ResolveAsync(field, picture, call.Caller.AccountId, errors, call.Share, cancellationToken) is { } kept)
        {
            return await uploads.AddAsync(
                call.Caller.AccountId,
                kept.Sha256,
                kept.ContentType,
                kept.Bytes,
                kept.Width,
                kept.Height,
                cancellationToken
            );
        }

        errors.ThrowIfAny();
        throw new InvalidOperationException("A picture that is not kept is an error.");
    }

    private string AddressOf(Upload upload)
    {
        long expires = upload.ExpiresAt.ToUnixTimeSeconds();
        string extension = upload.ContentType[(upload.ContentType.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return $"{Path}/{InputPictures.IdOf(upload)}.{extension}?expires={expires}&signature={SignatureOf(upload.Id, expires)}";
    }

    private string SignatureOf(Guid id, long expires) => WebEncoders.Base64UrlEncode(secret.Sign(Purpose, TextOf(id, expires)));

    private bool IsSigned(Guid id, long expires, string signature)
    {
        try
        {
            byte[] bytes = WebEncoders.Base64UrlDecode(signature);
            return secret.IsSigned(Purpose, TextOf(id, expires), bytes, UploadStore.KeptFor, time.GetUtcNow());
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static string TextOf(Guid id, long expires) => string.Create(CultureInfo.InvariantCulture, $"{id}/{expires}");
}
