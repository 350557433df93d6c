using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Results;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.A1111;

/// <summary>What is done with finished pictures: enlarging them, and reading how they were made.</summary>
internal sealed class A1111Extras(
    FaceCalls calls,
    OwnPictures uploads,
    IResultsStore results,
    A1111Options options,
    ModelDirectory models,
    A1111Table table,
    IOptions<FaceOptions> faces
)
{
    /// <summary>POST /sdapi/v1/extra-single-image.</summary>
    public Task<IResult> SingleAsync(HttpContext http, CancellationToken cancellationToken) =>
        RunAsync(http, isBatch: false, cancellationToken);

    /// <summary>POST /sdapi/v1/extra-batch-images.</summary>
    public Task<IResult> BatchAsync(HttpContext http, CancellationToken cancellationToken) =>
        RunAsync(http, isBatch: true, cancellationToken);

    /// <summary>POST /sdapi/v1/png-info: how a picture was made, as its file says.</summary>
    public async Task<IResult> PngInfoAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: true), cancellationToken);
        (StoredPicture stored, _) = await KeepAsync(http, body, "image", Needed(body, "image"), cancellationToken);
        byte[] bytes = await ReadAsync(stored.Sha256, cancellationToken);
        IReadOnlyDictionary<string, string> texts = PictureTexts.Read(bytes);
        string info = texts.GetValueOrDefault(PictureTexts.Parameters, "");
        return Results.Json(
            new JsonObject
            {
                ["info"] = info,
                ["items"] = ObjectOf(texts.Where(t => t.Key != PictureTexts.Parameters)),
                ["parameters"] = ObjectOf(Infotext.ParseAsShown(info, table)),
            }
        );
    }

    private async Task<IResult> RunAsync(HttpContext http, bool isBatch, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: true), cancellationToken);
        IReadOnlyList<(string Field, PictureSource Picture)> given = isBatch ? Listed(body) : [("image", Needed(body, "image"))];
        IReadOnlyDictionary<string, string> own = await options.OfAsync(http.Caller().AccountId, cancellationToken);
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        var notes = new List<string>();
        string? upscaler = Upscaler(body, catalogue, notes);
        body.Errors.ThrowIfAny();
        // The same bytes come back where nothing is to be done, at no cost
        var jobs = new List<SuperResolutionBody>();
        var plain = new List<string>();
        foreach ((string field, PictureSource picture) in given)
        {
            (StoredPicture stored, PictureSource source) = await KeepAsync(http, body, field, picture, cancellationToken);
            if (upscaler is null)
            {
                plain.Add(stored.Sha256);
            }
            else
            {
                jobs.Add(Job(body, own, upscaler.Length > 0 ? upscaler : null, source, stored));
            }
        }

        body.Errors.ThrowIfAny();
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        call.GoesOn = !call.IsKept;
        var ids = new List<JobId>();
        for (int place = 0; place < jobs.Count; place++)
        {
            jobs[place].Metadata = new A1111Note(call.Id, place, jobs.Count, null, own).Write();
            ids.Add(await call.SubmitAsync(place, jobs[place], null, cancellationToken));
        }

        if (ids.Count > 0)
        {
            http.Response.Headers["x-job-id"] = string.Join(',', ids);
        }

        var outputs = new List<JobOutputLink>();
        foreach (JobId id in ids)
        {
            outputs.AddRange((await call.EndAsync(id, cancellationToken)).Outputs);
        }

        await WriteAsync(http, isBatch, notes, plain, outputs, cancellationToken);
        call.Answered();
        return Results.Empty;
    }

    private async Task WriteAsync(
        HttpContext http,
        bool isBatch,
        IReadOnlyList<string> notes,
        IReadOnlyList<string> plain,
        IReadOnlyList<JobOutputLink> outputs,
        CancellationToken cancellationToken
    )
    {
        http.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(http.Response.Body);
        writer.WriteStartObject();
        writer.WriteString("html_info", string.Concat(notes.Select(note => $"<p>{WebUtility.HtmlEncode(note)}</p>")));
        writer.WritePropertyName(isBatch ? "images" : "image");
        if (isBatch)
        {
            writer.WriteStartArray();
        }

        foreach (string sha256 in plain)
        {
            writer.WriteBase64StringValue(await ReadAsync(sha256, cancellationToken));
            await writer.FlushAsync(cancellationToken);
        }

        foreach (JobOutputLink output in outputs)
        {
            writer.WriteBase64StringValue(await calls.ReadAsync(output, cancellationToken));
            await writer.FlushAsync(cancellationToken);
        }

        if (isBatch)
        {
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        await writer.FlushAsync(cancellationToken);
    }

    /// <summary>The catalogue's name of what enlarges; empty for its default, null where nothing is to be enlarged.</summary>
    private string? Upscaler(FaceBody body, IReadOnlyDictionary<string, ModelEntry> catalogue, List<string> notes)
    {
        foreach (
            string field in (string[])["gfpgan_visibility", "codeformer_visibility", "codeformer_weight", "extras_upscaler_2_visibility"]
        )
        {
            double share = body.Number(field) ?? 0;
            if (share is < 0 or > 1)
            {
                body.Errors.Add(field, $"must be 0 to 1, and is {share}");
            }
            else if (share > 0 && field.EndsWith("_visibility", StringComparison.Ordinal))
            {
                string what = field.StartsWith("extras", StringComparison.Ordinal) ? "a second upscaler" : "face restoration";
                notes.Add($"{field}: {what} is not done here; the picture is without it.");
            }
        }

        string? name = body.Text("upscaler_1");
        if (name is null || name.Equals("None", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        try
        {
            return A1111Names.Upscaler(name, table, catalogue) ?? "";
        }
        catch (UnknownNameException e)
        {
            body.Errors.Add("upscaler_1", e.Message);
            return null;
        }
    }

    private SuperResolutionBody Job(
        FaceBody body,
        IReadOnlyDictionary<string, string> own,
        string? upscaler,
        PictureSource source,
        StoredPicture stored
    )
    {
        string? format = own.GetValueOrDefault("samples_format")?.ToLowerInvariant();
        return new SuperResolutionBody
        {
            Image = source,
            Model = upscaler,
            Scale = Scale(body, stored),
            OutputFormat = format == "jpeg" ? "jpg" : format,
        };
    }

    /// <summary>How many times larger the picture is to be: a whole number, which networks enlarge by.</summary>
    private static int? Scale(FaceBody body, StoredPicture picture)
    {
        const double Tolerance = 0.005;
        int mode = body.Int("resize_mode") ?? 0;
        string field = mode == 1 ? "upscaling_resize_w" : "upscaling_resize";
        double scale;
        switch (mode)
        {
            case 0:
                scale = body.Number("upscaling_resize") ?? 2;
                break;
            case 1:
                (int width, int height) = (body.Int("upscaling_resize_w") ?? 512, body.Int("upscaling_resize_h") ?? 512);
                (double across, double down) = ((double)width / picture.Width, (double)height / picture.Height);
                scale = Math.Max(across, down);
                if (Math.Abs(across - down) > Tolerance)
                {
                    body.Errors.Add(
                        field,
                        $"and upscaling_resize_h must be whole multiples of the picture's {picture.Width} x {picture.Height} here, "
                            + $"and are {width} x {height}; use resize_mode 0"
                    );
                    return null;
                }

                break;
            default:
                body.Errors.Add("resize_mode", $"must be 0 or 1, and is {mode}");
                return null;
        }

        int whole = (int)Math.Clamp(Math.Round(scale), 0, 1000);
        if (Math.Abs(scale - whole) > Tolerance)
        {
            body.Errors.Add(
                field,
                $"must be a whole factor here, 2, 3 or 4, and is {scale.ToString("0.###", CultureInfo.InvariantCulture)}"
            );
            return null;
        }

        return whole;
    }

    private List<(string Field, PictureSource Picture)> Listed(FaceBody body)
    {
        const string Field = "imageList";
        FaceValue[] items = body.Value(Field) is { } list ? [.. list.Items()] : [];
        if (items.Length == 0)
        {
            body.Errors.Add(Field, "is required");
        }
        else if (items.Length > table.MaxImages)
        {
            body.Errors.Add(Field, $"may have {table.MaxImages} pictures at most, and has {items.Length}");
            return [];
        }

        var pictures = new List<(string, PictureSource)>();
        for (int i = 0; i < items.Length; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"{Field}[{i}].data");
            if ((items[i].IsObject ? items[i].Member("data") : items[i])?.AsPicture() is { } picture)
            {
                pictures.Add((field, picture));
            }
            else
            {
                body.Errors.Add(field, "is required");
            }
        }

        return pictures;
    }

    private static PictureSource Needed(FaceBody body, string field)
    {
        PictureSource? picture = body.Picture(field);
        if (picture is null && !body.Errors.Has(field))
        {
            body.Errors.Add(field, "is required");
        }

        body.Errors.ThrowIfAny();
        return picture!;
    }

    private async Task<(StoredPicture Stored, PictureSource Source)> KeepAsync(
        HttpContext http,
        FaceBody body,
        string field,
        PictureSource picture,
        CancellationToken cancellationToken
    )
    {
        (PictureSource Source, StoredPicture Picture)? kept = await uploads.KeepAsync(
            picture,
            field,
            http.Caller().AccountId,
            body.Errors,
            BodyBudget.Of(http),
            cancellationToken
        );
        body.Errors.ThrowIfAny();
        return (kept!.Value.Picture, kept.Value.Source);
    }

    private async Task<byte[]> ReadAsync(string sha256, CancellationToken cancellationToken)
    {
        await using Stream file = await results.OpenAsync(sha256, cancellationToken)
            ?? throw new ProblemException(410, "output_gone", "The picture is no longer kept.");
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes, cancellationToken);
        return bytes.ToArray();
    }

    private static JsonObject ObjectOf(IEnumerable<KeyValuePair<string, string>> values) =>
        new(values.Select(v => KeyValuePair.Create(v.Key, (JsonNode?)JsonValue.Create(v.Value))));
}
