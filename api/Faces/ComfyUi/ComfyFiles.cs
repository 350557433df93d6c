using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// Pictures by their names: those that were sent, under the names that their clients gave them, and those that jobs made. Each account has
/// folders of its own.
/// </summary>
internal sealed class ComfyFiles(
    InputPictures pictures,
    UploadStore uploads,
    OwnPictures own,
    JobStore jobs,
    IResultsStore results,
    FaceMemory memory,
    IOptions<FaceOptions> options,
    ComfyTable table
)
{
    private const string Input = "input";
    private const string Output = "output";
    private const int MaxName = 200;

    private const string Id = "upload";
    private const string Alpha = "alpha";
    private const string Hash = "sha256";

    private static readonly string[] Folders = [Input, Output, "temp"];

    /// <summary>A picture by the name that a graph has for it: of the input folder, or with " [output]" or " [temp]" behind it.</summary>
    public async Task<ComfyPicture?> FindAsync(Guid account, string name, CancellationToken cancellationToken)
    {
        string folder = Input;
        string bare = name.Trim();
        foreach (string known in Folders)
        {
            string mark = $" [{known}]";
            if (bare.EndsWith(mark, StringComparison.Ordinal))
            {
                (folder, bare) = (known, bare[..^mark.Length]);
                break;
            }
        }

        if (await UploadAsync(account, folder, "", bare, cancellationToken) is not var (upload, alpha))
        {
            return null;
        }

        PictureSource source = SourceOf(upload);
        return new ComfyPicture(source, upload.Width, upload.Height, alpha is null ? source : SourceOf(alpha));
    }

    /// <summary>GET /view.</summary>
    public async Task<IResult> ViewAsync(HttpContext http, CancellationToken cancellationToken)
    {
        IQueryCollection query = http.Request.Query;
        string name = query["filename"].ToString();
        string folder = query["type"].ToString() is { Length: > 0 } type ? type : Output;
        string subfolder = query["subfolder"].ToString();
        foreach (string known in Folders)
        {
            string mark = $" [{known}]";
            if (name.EndsWith(mark, StringComparison.Ordinal))
            {
                (folder, name) = (known, name[..^mark.Length]);
            }
        }

        if (name.Length == 0 || name[0] == '/' || name.Contains("..", StringComparison.Ordinal) || name.Any(char.IsControl))
        {
            throw new ProblemException(400, "invalid_request", "filename is required, and leads out of no folder.");
        }

        if (!Folders.Contains(folder))
        {
            throw new ProblemException(400, "invalid_request", $"type must be one of {string.Join(", ", Folders)}.");
        }

        if (subfolder.Contains("..", StringComparison.Ordinal) || subfolder.StartsWith('/'))
        {
            throw new ProblemException(403, "forbidden", "subfolder leads out of the folder.");
        }

        Guid account = http.Caller().AccountId;
        (string sha256, string contentType)? file = null;
        if (folder != Input && await OutputAsync(account, name, cancellationToken) is var (job, output))
        {
            file = (output.Sha256, output.ContentType);
            http.RequestServices.GetRequiredService<Jobs.OpenAnswers>().EndWithOutputs(http, job);
        }
        else if (await UploadAsync(account, folder, subfolder, name, cancellationToken) is var (upload, _))
        {
            file = (upload.Sha256, upload.ContentType);
        }

        Stream? bytes = file is var (hash, _) ? await results.OpenAsync(hash, cancellationToken) : null;
        if (bytes is null)
        {
            throw new ProblemException(404, "file_not_found", "There is no such file, or it is no longer kept.");
        }

        int slash = name.LastIndexOfAny(['/', '\\']);
        string plain = string.Concat(name[(slash + 1)..].Where(c => c is > ' ' and < '\x7f' and not '"'));
        http.Response.Headers.ContentDisposition = $"filename=\"{plain}\"";
        http.Response.Headers.CacheControl = "private, max-age=3600";
        return Results.Stream(bytes, file!.Value.contentType);
    }

    /// <summary>POST /upload/image.</summary>
    public Task<IResult> UploadAsync(HttpContext http, CancellationToken cancellationToken) =>
        UploadAsync(http, isMask: false, cancellationToken);

    /// <summary>POST /upload/mask: a picture that was sent before, with the transparency of this one.</summary>
    public Task<IResult> UploadMaskAsync(HttpContext http, CancellationToken cancellationToken) =>
        UploadAsync(http, isMask: true, cancellationToken);

    private async Task<IResult> UploadAsync(HttpContext http, bool isMask, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);
        Guid account = http.Caller().AccountId;
        if (body.Value("image")?.File is not { Bytes.Length: > 0 } file)
        {
            throw new ProblemException(400, "invalid_request", "image is required: a file, as a part of a multipart form.");
        }

        string name = Name(file.Name);
        string folder = TextOf(body, "type") is { Length: > 0 } type ? type : Input;
        string subfolder = Subfolder(TextOf(body, "subfolder") ?? "");
        bool overwrites = TextOf(body, "overwrite")?.Trim().ToLowerInvariant() is "true" or "1";
        if (!Folders.Contains(folder))
        {
            throw new ProblemException(400, "invalid_request", $"type must be one of {string.Join(", ", Folders)}.");
        }

        Upload? original = isMask ? await OriginalAsync(account, body, cancellationToken) : null;
        Upload sent = await KeepAsync(account, file.Bytes, cancellationToken);
        var values = new Dictionary<string, byte[]>
        {
            [Id] = FaceMemory.Bytes(InputPictures.IdOf(original ?? sent)),
            [Hash] = FaceMemory.Bytes(original is null ? sent.Sha256 : $"{original.Sha256} {sent.Sha256}"),
        };
        if (original is not null)
        {
            values[Alpha] = FaceMemory.Bytes(InputPictures.IdOf(sent));
        }

        string? kept = await NameAsync(account, folder, subfolder, name, overwrites, values, cancellationToken);
        return Results.Json(
            new JsonObject
            {
                // Where nothing can be remembered the name itself says which upload it is
                ["name"] = kept ?? $"{InputPictures.IdOf(sent)}{Path.GetExtension(name)}",
                ["subfolder"] = kept is null ? "" : subfolder,
                ["type"] = folder,
            }
        );
    }

    /// <summary>Keeps a picture's name, or another where a different picture has it; null where names cannot be remembered.</summary>
    private async Task<string?> NameAsync(
        Guid account,
        string folder,
        string subfolder,
        string name,
        bool overwrites,
        Dictionary<string, byte[]> values,
        CancellationToken cancellationToken
    )
    {
        const int MostTries = 100;
        string free = name;
        for (int number = 1; !overwrites && number <= MostTries; number++)
        {
            IReadOnlyDictionary<string, byte[]>? known = await memory.FindAsync(KeyOf(account, folder, subfolder, free), cancellationToken);
            if (known is null || known.GetValueOrDefault(Hash).AsSpan().SequenceEqual(values[Hash]))
            {
                break;
            }

            free = string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileNameWithoutExtension(name)} ({number}){Path.GetExtension(name)}"
            );
        }

        TimeSpan keep = table.Remembered < UploadStore.KeptFor ? table.Remembered : UploadStore.KeptFor;
        return await memory.KeepAsync(KeyOf(account, folder, subfolder, free), values, keep, cancellationToken) ? free : null;
    }

    private async Task<Upload> OriginalAsync(Guid account, FaceBody body, CancellationToken cancellationToken)
    {
        JsonNode? reference = null;
        try
        {
            reference = JsonNode.Parse(TextOf(body, "original_ref") ?? "null");
        }
        catch (System.Text.Json.JsonException)
        {
            // As none
        }

        string Member(string name) =>
            reference is JsonObject members && members[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
        string folder = Member("type") is { Length: > 0 } type ? type : Output;
        return
            Member("filename") is { Length: > 0 } name
            && await UploadAsync(account, folder, Member("subfolder"), name, cancellationToken) is var (upload, _)
            ? upload
            : throw new ProblemException(
                400,
                "invalid_request",
                "original_ref must be {\"filename\", \"subfolder\", \"type\"} of a picture that there is."
            );
    }

    /// <summary>The upload that a name stands for, and the one whose transparency it has where that is another's.</summary>
    private async Task<(Upload Upload, Upload? Alpha)?> UploadAsync(
        Guid account,
        string folder,
        string subfolder,
        string name,
        CancellationToken cancellationToken
    )
    {
        if (name.Length is 0 or > MaxName * 2)
        {
            return null;
        }

        int slash = name.LastIndexOfAny(['/', '\\']);
        string path = slash > 0 ? Subfolder($"{subfolder}/{name[..slash]}") : Subfolder(subfolder);
        string plain = name[(slash + 1)..];
        if (await memory.FindAsync(KeyOf(account, folder, path, plain), cancellationToken) is { } known)
        {
            return await OfIdAsync(account, known.GetValueOrDefault(Id), cancellationToken) is { } upload
                ? (upload, await OfIdAsync(account, known.GetValueOrDefault(Alpha), cancellationToken))
                : null;
        }

        if (OwnPictures.UploadOf(plain) is { } id && await uploads.FindAsync(id, account, cancellationToken) is { } direct)
        {
            return (direct, null);
        }

        if (await OutputAsync(account, plain, cancellationToken) is not var (job, output))
        {
            return null;
        }

        PictureSource source = await own.ResolveAsync(
            PictureSource.Of($"/v1/jobs/{job}/outputs/{output.Index}"),
            account,
            cancellationToken
        );
        return await OfIdAsync(account, FaceMemory.Bytes(source.Text ?? ""), cancellationToken) is { } made ? (made, null) : null;
    }

    private async Task<(JobId Job, JobOutput Output)?> OutputAsync(Guid account, string name, CancellationToken cancellationToken) =>
        ComfyFileNames.Parse(name) is var (job, index)
        && await jobs.FindAsync(job, account, cancellationToken) is { } row
        && row.Outputs.FirstOrDefault(output => output.Index == index) is { } output
            ? (job, output)
            : null;

    private async Task<Upload?> OfIdAsync(Guid account, byte[]? id, CancellationToken cancellationToken) =>
        id is not null && OwnPictures.UploadOf(FaceMemory.Text(id)) is { } upload
            ? await uploads.FindAsync(upload, account, cancellationToken)
            : null;

    private async Task<Upload> KeepAsync(Guid account, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            StoredPicture picture = await pictures.KeepAsync(bytes, cancellationToken);
            return await uploads.AddAsync(
                account,
                picture.Sha256,
                picture.ContentType,
                picture.Bytes,
                picture.Width,
                picture.Height,
                cancellationToken
            );
        }
        catch (InputException e)
        {
            throw new ProblemException(400, "invalid_picture", $"The picture {e.Message}.");
        }
    }

    /// <summary>A field that may come as a file part, as some libraries send all fields.</summary>
    private static string? TextOf(FaceBody body, string field)
    {
        const int MaxText = 2000;
        return body.Value(field) switch
        {
            { File: { Bytes.Length: <= MaxText } file } => Encoding.UTF8.GetString(file.Bytes.Span),
            { Length: <= MaxText } value => value.Text,
            _ => null,
        };
    }

    private static string Name(string given)
    {
        string name = given[(given.LastIndexOfAny(['/', '\\']) + 1)..].Trim();
        name = string.Concat(name.Where(c => !char.IsControl(c) && c is not ('"' or '[' or ']')))
            .Replace("..", ".", StringComparison.Ordinal);
        return name.Length is > 0 and <= MaxName
            ? name
            : throw new ProblemException(400, "invalid_request", $"image must have a name of {MaxName} characters at most.");
    }

    private static string Subfolder(string given) =>
        given.Contains("..", StringComparison.Ordinal) || given.Length > MaxName
            ? throw new ProblemException(400, "invalid_request", $"subfolder leads out of no folder, and has {MaxName} characters at most.")
            : string.Join('/', given.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static PictureSource SourceOf(Upload upload) => PictureSource.Of(InputPictures.IdOf(upload));

    private static string KeyOf(Guid account, string folder, string subfolder, string name) =>
        $"comfyui:file:{account:N}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{folder}/{subfolder}/{name}")))}";
}
