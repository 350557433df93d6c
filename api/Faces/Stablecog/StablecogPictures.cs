using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Uploads;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Faces.Stablecog;

/// <summary>Pictures that clients bring: uploads, under "s3://ACCOUNT/UPLOAD.png", and addresses.</summary>
internal sealed class StablecogPictures(StablecogTable table, InputPictures pictures, UploadStore uploads, OwnPictures own)
{
    private const string Scheme = "s3://";

    /// <summary>POST /v1/image/upload.</summary>
    /// <exception cref="ProblemException">The file is no picture, or too large.</exception>
    public async Task<JsonNode> UploadAsync(HttpContext http, CancellationToken cancellationToken)
    {
        Guid account = http.Caller().AccountId;
        FaceBody body = http.Features.GetRequiredFeature<FaceBody>();
        if (body.Value("file")?.File is not { Bytes.Length: > 0 } file)
        {
            throw StablecogErrors.Error(400, "invalid_file", "Invalid file");
        }

        StoredPicture picture = await KeepAsync(file, cancellationToken);
        Upload upload = await uploads.AddAsync(
            account,
            picture.Sha256,
            picture.ContentType,
            picture.Bytes,
            picture.Width,
            picture.Height,
            cancellationToken
        );
        string extension = upload.ContentType == "image/jpeg" ? "jpg" : upload.ContentType["image/".Length..];
        return new JsonObject { ["object"] = $"{Scheme}{FolderOf(account)}/{upload.Id}.{extension}" };
    }

    /// <summary>Checks an uploaded file and keeps it.</summary>
    /// <exception cref="ProblemException">The file is no picture, or too large.</exception>
    public async Task<StoredPicture> KeepAsync(FaceFile file, CancellationToken cancellationToken)
    {
        if (file.Bytes.Length > table.MaxUploadBytes)
        {
            throw StablecogErrors.Error(
                400,
                "image_too_large",
                $"The file may have {table.MaxUploadBytes} bytes at most, and has {file.Bytes.Length}."
            );
        }

        if (PictureHeader.Read(file.Bytes.Span) is null)
        {
            throw StablecogErrors.Error(400, "invalid_content_type", "Content type must be image/jpeg, image/png, or image/webp");
        }

        try
        {
            return await pictures.KeepAsync(file.Bytes, cancellationToken);
        }
        catch (InputException e)
        {
            throw StablecogErrors.Error(400, "invalid_file", $"The file {e.Message}.");
        }
    }

    /// <summary>The picture at an address, s3:// or http(s), with its size.</summary>
    /// <param name="address">The address.</param>
    /// <param name="account">Whose call it is.</param>
    /// <param name="notOwned">Error where it is another account's upload.</param>
    /// <param name="notFound">Error where there is no such upload.</param>
    /// <param name="share">What the call takes of memory for bodies.</param>
    /// <param name="cancellationToken">Ends the fetching.</param>
    /// <exception cref="ProblemException">There is no such picture.</exception>
    public async Task<(PictureSource Source, StoredPicture Picture)> ResolveAsync(
        string address,
        Guid account,
        string notOwned,
        string notFound,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        PictureSource source;
        if (address.StartsWith(Scheme, StringComparison.Ordinal))
        {
            string[] parts = address[Scheme.Length..].Split('/');
            if (parts.Length != 2 || parts[0] != FolderOf(account))
            {
                throw StablecogErrors.Error(401, notOwned);
            }

            string name = parts[1].Split('.')[0];
            if (!Guid.TryParse(name, out Guid id) || await uploads.FindAsync(id, account, cancellationToken) is not { } upload)
            {
                throw StablecogErrors.Error(400, notFound);
            }

            source = PictureSource.Of(InputPictures.IdOf(upload));
        }
        else
        {
            source = await own.ResolveAsync(PictureSource.Of(address), account, cancellationToken);
        }

        var errors = new FieldErrors();
        return await own.KeepAsync(source, "image", account, errors, share, cancellationToken)
            ?? throw StablecogErrors.Error(400, "image_url_width_height_error", Detail(errors));
    }

    private static string FolderOf(Guid account) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.ToString())));

    private static string Detail(FieldErrors errors)
    {
        try
        {
            errors.ThrowIfAny();
            return "";
        }
        catch (ProblemException e)
        {
            return e.Problem.Detail;
        }
    }
}
