using System.Net;
using Generation.Api.Authentication;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Uploads;
using Microsoft.AspNetCore.Http.Features;

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
        // Multipart's own lines come on top
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = options.MaxBytes + (1 << 16);
        }

        byte[] bytes = await ReadAsync(http.Request, options.MaxBytes, cancellationToken);
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

    private static async Task<byte[]> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        if (!request.HasFormContentType)
        {
            return await BodyBytes.ReadAsync(request.Body, request.ContentLength, maxBytes, cancellationToken);
        }

        IFormCollection form;
        try
        {
            form = await request.ReadFormAsync(
                new FormOptions
                {
                    MultipartBodyLengthLimit = maxBytes,
                    ValueLengthLimit = 1 << 16,
                    BufferBody = false,
                },
                cancellationToken
            );
        }
        catch (InvalidDataException e)
        {
            throw new ProblemException(
                e.Message.Contains("limit", StringComparison.Ordinal) ? 413 : 400,
                "malformed_form",
                $"The form cannot be read: {e.Message}"
            );
        }

        if (form.Files.Count != 1)
        {
            throw new ProblemException(422, "invalid_request", $"The form must hold one file, and holds {form.Files.Count}.");
        }

        await using Stream file = form.Files[0].OpenReadStream();
        return await BodyBytes.ReadAsync(file, form.Files[0].Length, maxBytes, cancellationToken);
    }
}
