using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Storage.Faces;
using Generation.Storage.Uploads;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>
/// Pictures that clients send to get an address for them. They are uploads as the native API keeps them; the address is
/// signed, and good as long as the upload is kept.
/// </summary>
internal sealed class ModelsLabPictures(InputPictures pictures, UploadStore uploads, UploadAddresses addresses, ObjectNumbers numbers)
{
    /// <summary>Under which the files lie.</summary>
    public const string Path = "/api/files";

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
        string extension = upload.ContentType[(upload.ContentType.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return $"{Path}/{InputPictures.IdOf(upload)}.{extension}{addresses.QueryOf(upload.Id, upload.ExpiresAt)}";
    }
}
