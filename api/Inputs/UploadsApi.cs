using System.Net;
using Generation.Api.Authentication;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Uploads;

namespace Generation.Api.Inputs;

/// <summary>A kept upload: its id stands for the picture in requests.</summary>
public sealed record UploadAnswer(
    string Id,
    string ContentType,
    long Bytes,
    int Width,
    int Height,
    string Sha256,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt
);

/// <summary>POST /v1/uploads: a picture for later requests, as a multipart file or as the body itself.</summary>
internal static class UploadsApi
{
    /// <summary>How many bytes a form may have beside the picture: its boundaries and headers.</summary>
    private const int FormLines = 1 << 16;

    public static void AddInputs(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<InputOptions>().BindConfiguration(InputOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder
            .Services.AddOptions<OutboundOptions>()
            .BindConfiguration(OutboundOptions.Section)
            .ValidateDataAnnotations()
            .Validate(
                o => o.Networks.All(network => IPNetwork.TryParse(network, out _)),
                "Outbound:AllowedNetworks must name networks as 10.0.5.0/24, with commas between them and no bits set behind the prefix."
            )
            // It allowed all of our own networks, and must not be taken for set
            .Validate<IConfiguration>(
                (_, settings) =>
                    settings["Outbound:AllowPrivateAddresses"] is not { } old || old.Equals("false", StringComparison.OrdinalIgnoreCase),
                "Outbound:AllowPrivateAddresses is no longer known: name the networks that callers may reach in "
                    + "Outbound:AllowedNetworks, as 10.0.5.0/24, with commas."
            )
            .ValidateOnStart();
        builder.Services.AddSingleton(p => p.GetRequiredService<Microsoft.Extensions.Options.IOptions<InputOptions>>().Value);
        builder.Services.AddSingleton(p => new OutboundHttp(
            p.GetRequiredService<Microsoft.Extensions.Options.IOptions<OutboundOptions>>().Value
        ));
        builder.Services.AddSingleton<UploadStore>();
        builder.Services.AddSingleton<InputPictures>();
        builder.Services.AddSingleton<ControlPreviews>();
    }

    public static void MapUploads(this WebApplication app) =>
        app.MapPost("/v1/uploads", UploadAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName("upload")
            .WithSummary(
                "Keeps a PNG, JPEG or WebP picture for 24 hours; its id stands for it in requests. Multipart with one file, or the "
                    + "picture as the body."
            )
            .Produces<UploadAnswer>(201)
            .ProducesProblems(400, 401, 403, 413, 422, 429, 503);

    private static async Task<IResult> UploadAsync(
        HttpContext http,
        InputPictures pictures,
        UploadStore uploads,
        InputOptions options,
        CancellationToken cancellationToken
    )
    {
        ReadOnlyMemory<byte> bytes = await ReadAsync(http.Request, options.MaxBytes, cancellationToken);
        StoredPicture picture;
        try
        {
            picture = await pictures.KeepAsync(bytes, cancellationToken);
        }
        catch (InputException e)
        {
            throw new ProblemException(
                422,
                "invalid_picture",
                $"The picture {e.Message}.",
                new Dictionary<string, string[]> { ["file"] = [e.Message] }
            );
        }

        Upload upload = await uploads.AddAsync(
            http.Caller().AccountId,
            picture.Sha256,
            picture.ContentType,
            picture.Bytes,
            picture.Width,
            picture.Height,
            cancellationToken
        );
        return Results.Created(
            (string?)null,
            new UploadAnswer(
                InputPictures.IdOf(upload),
                upload.ContentType,
                upload.Bytes,
                upload.Width,
                upload.Height,
                upload.Sha256,
                upload.CreatedAt,
                upload.ExpiresAt
            )
        );
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        if (!request.HasFormContentType)
        {
            return await BodyBytes.ReadAsync(request, maxBytes, cancellationToken);
        }

        byte[] body = await BodyBytes.ReadAsync(request, maxBytes + FormLines, cancellationToken);
        IReadOnlyList<FormPart> parts = await FormParts.ReadAsync(request.ContentType, body, cancellationToken);
        FormPart[] files = [.. parts.Where(part => part.IsFile)];
        if (files.Length != 1)
        {
            throw new ProblemException(422, "invalid_request", $"The form must hold one file, and holds {files.Length}.");
        }

        return files[0].Content.Length <= maxBytes
            ? files[0].Content
            : throw new ProblemException(413, "body_too_large", $"The file may have {maxBytes} bytes at most.");
    }
}
