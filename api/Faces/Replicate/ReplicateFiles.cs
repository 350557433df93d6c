using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Replicate;

/// <summary>
/// Files that clients send for later inputs: pictures, which are uploads as the native API keeps them. Their names and metadata are
/// remembered beside, as long as Redis has them.
/// </summary>
internal sealed class ReplicateFiles(
    InputPictures pictures,
    UploadStore uploads,
    IResultsStore results,
    FaceMemory memory,
    IOptions<FaceOptions> options
)
{
    private const int PageSize = 100;
    private const int MostName = 200;
    private const int MostMetadata = 16 * 1024;

    private const string Name = "name";
    private const string Md5 = "md5";
    private const string Metadata = "metadata";

    /// <summary>POST /v1/files: a form with the file as content.</summary>
    public async Task<IResult> CreateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        const string Field = "content";
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);
        PictureSource? content = body.Picture(Field);
        JsonObject metadata = MetadataOf(body);
        if (content is null)
        {
            body.Fail(Field, "is required: a file of a multipart form");
        }

        body.Errors.ThrowIfAny();
        Guid account = http.Caller().AccountId;
        byte[] md5 = content!.Bytes is { } bytes ? Md5Of(bytes.Span) : [];
        StoredPicture? kept = await pictures.ResolveAsync(Field, content, account, body.Errors, BodyBudget.Of(http), cancellationToken);
        body.Errors.ThrowIfAny();
        Upload upload = await uploads.AddAsync(
            account,
            kept!.Sha256,
            kept.ContentType,
            kept.Bytes,
            kept.Width,
            kept.Height,
            cancellationToken
        );
        string name = body.Text("filename") ?? body.Value(Field)?.File?.Name ?? "";
        var remembered = new Dictionary<string, byte[]>
        {
            [Name] = FaceMemory.Bytes(name.Length > MostName ? name[..MostName] : name),
            [Md5] = FaceMemory.Bytes(Convert.ToHexStringLower(md5)),
            [Metadata] = FaceMemory.Bytes(metadata.ToJsonString()),
        };
        await memory.KeepAsync(KeyOf(upload), remembered, UploadStore.KeptFor, cancellationToken);
        return ReplicateFace.Json(Document(upload, remembered, ReplicateFace.AddressOf(http)), StatusCodes.Status201Created);
    }

    /// <summary>GET /v1/files.</summary>
    public async Task<IResult> ListAsync(HttpContext http, CancellationToken cancellationToken)
    {
        string cursor = http.Request.Query["cursor"].ToString();
        IReadOnlyList<Upload> found = await uploads.ListAsync(
            http.Caller().AccountId,
            OwnPictures.UploadOf(cursor),
            PageSize + 1,
            cancellationToken
        );
        ReplicateAddress address = ReplicateFace.AddressOf(http);
        var list = new JsonArray();
        foreach (Upload upload in found.Take(PageSize))
        {
            list.Add((JsonNode)Document(upload, await memory.FindAsync(KeyOf(upload), cancellationToken), address));
        }

        string? next = found.Count > PageSize ? $"{address.Base}/files?cursor={InputPictures.IdOf(found[PageSize - 1])}" : null;
        return ReplicateFace.Page(list, next);
    }

    /// <summary>GET /v1/files/{id}.</summary>
    public async Task<IResult> GetAsync(string id, HttpContext http, CancellationToken cancellationToken)
    {
        Upload upload = await FindAsync(id, http, cancellationToken);
        return ReplicateFace.Json(
            Document(upload, await memory.FindAsync(KeyOf(upload), cancellationToken), ReplicateFace.AddressOf(http))
        );
    }

    /// <summary>DELETE /v1/files/{id}.</summary>
    public async Task<IResult> DeleteAsync(string id, HttpContext http, CancellationToken cancellationToken) =>
        OwnPictures.UploadOf(id) is { } upload && await uploads.ExpireAsync(upload, http.Caller().AccountId, cancellationToken)
            ? Results.NoContent()
            : throw NoFile(id);

    /// <summary>GET /v1/files/{id}/download: the file itself.</summary>
    public async Task<IResult> DownloadAsync(string id, HttpContext http, CancellationToken cancellationToken)
    {
        Upload upload = await FindAsync(id, http, cancellationToken);
        Stream file = await results.OpenAsync(upload.Sha256, cancellationToken) ?? throw NoFile(id);
        http.Response.Headers.CacheControl = "private, max-age=86400, immutable";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(file, upload.ContentType, lastModified: upload.CreatedAt);
    }

    private async Task<Upload> FindAsync(string id, HttpContext http, CancellationToken cancellationToken) =>
        (OwnPictures.UploadOf(id) is { } upload ? await uploads.FindAsync(upload, http.Caller().AccountId, cancellationToken) : null)
        ?? throw NoFile(id);

    private static JsonObject MetadataOf(FaceBody body)
    {
        if (body.Value(Metadata) is not { } value)
        {
            return [];
        }

        ReadOnlySpan<byte> json = value.File is { } file ? file.Bytes.Span : value.Content.Span;
        if (json.Length > MostMetadata)
        {
            body.Fail(Metadata, $"may have {MostMetadata} bytes at most, and has {json.Length}");
            return [];
        }

        try
        {
            if (JsonNode.Parse(json) is JsonObject metadata)
            {
                // Also that no name stands twice in it
                return JsonNode.Parse(metadata.ToJsonString())!.AsObject();
            }
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            // Said below
        }

        body.Fail(Metadata, "must be a JSON object");
        return [];
    }

    private static JsonObject Document(Upload upload, IReadOnlyDictionary<string, byte[]>? remembered, ReplicateAddress address)
    {
        string id = InputPictures.IdOf(upload);
        string name = Text(Name) is { Length: > 0 } given ? given : $"{id}.{upload.ContentType[(upload.ContentType.IndexOf('/') + 1)..]}";
        var checksums = new JsonObject { ["sha256"] = upload.Sha256 };
        if (Text(Md5) is { Length: > 0 } md5)
        {
            checksums["md5"] = md5;
        }

        return new JsonObject
        {
            ["id"] = id,
            ["name"] = name,
            ["content_type"] = upload.ContentType,
            ["size"] = upload.Bytes,
            ["etag"] = upload.Sha256,
            ["checksums"] = checksums,
            ["metadata"] = Text(Metadata) is { } metadata ? JsonNode.Parse(metadata) : new JsonObject(),
            ["created_at"] = ReplicateAnswers.Time(upload.CreatedAt),
            ["expires_at"] = ReplicateAnswers.Time(upload.ExpiresAt),
            ["urls"] = new JsonObject { ["get"] = $"{address.Base}/files/{id}" },
        };

        string? Text(string field) => remembered?.GetValueOrDefault(field) is { } bytes ? FaceMemory.Text(bytes) : null;
    }

    private static byte[] Md5Of(ReadOnlySpan<byte> bytes)
    {
        // Clients compare it with what they sent; nothing rests on it
#pragma warning disable CA5351
        return MD5.HashData(bytes);
#pragma warning restore CA5351
    }

    private static ProblemException NoFile(string id) =>
        new(404, "file_not_found", $"You have no file '{ErrorText.Shown(id)}'; files are kept for {UploadStore.KeptFor.TotalHours} hours.");

    private static string KeyOf(Upload upload) => $"replicate:file:{upload.Id:N}";
}
