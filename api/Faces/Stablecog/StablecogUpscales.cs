using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Uploads;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Faces.Stablecog;

/// <summary>POST /v1/image/upscale/create: an address, an upload, one of one's own outputs, or a file of a form.</summary>
internal sealed class StablecogUpscales(
    StablecogTable table,
    ModelDirectory models,
    StablecogPictures pictures,
    FaceCalls calls,
    OutputGallery gallery,
    UploadStore uploads,
    OutputUrls urls,
    StablecogGenerations generations
)
{
    public async Task<JsonNode> CreateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = http.Features.GetRequiredFeature<FaceBody>();
        ReadData(body);
        Guid account = http.Caller().AccountId;
        var names = new StablecogNames(table, await models.ModelsAsync(cancellationToken), await models.SchedulersAsync(cancellationToken));
        ModelEntry? fallback = names.Default(JobKind.SuperResolution);
        Guid modelId = StablecogRequest.Id(body, "model_id")
            ?? (fallback is null ? Guid.Empty : names.IdOf(fallback.Name, JobKind.SuperResolution));
        ModelEntry model = names.Model(modelId, JobKind.SuperResolution) ?? throw StablecogErrors.Error(400, "invalid_model_id");
        FaceFile? file = body.Value("file")?.File;
        string input = body.Text("input") ?? (file is null ? throw StablecogErrors.Error(400, "invalid_image_url") : "");
        var settings = new JsonObject { ["model_id"] = modelId };
        if (input.Length > 0)
        {
            settings["input"] = input;
        }

        http.Features.GetRequiredFeature<StablecogSettings>().Known = settings;
        GalleryOutput? output = null;
        PictureSource picture;
        if (file is not null)
        {
            StoredPicture kept = await pictures.KeepAsync(file, cancellationToken);
            CheckSize(kept.Width, kept.Height);
            picture = body.Picture("file")!;
        }
        else if (Guid.TryParse(input, out Guid outputId))
        {
            output = await gallery.FindAsync(StablecogIds.Outputs(outputId), account, cancellationToken)
                ?? throw StablecogErrors.Error(400, "output_not_found");
            if (output.Upscaled is { } already)
            {
                return await AnswerAsync(http, Done(http, output, outputId, already), settings, cancellationToken);
            }

            picture = PictureSource.Of(
                InputPictures.IdOf(
                    await uploads.AddAsync(
                        account,
                        output.Output.Sha256,
                        output.Output.ContentType,
                        output.Output.Bytes,
                        output.Output.Width,
                        output.Output.Height,
                        cancellationToken
                    )
                )
            );
        }
        else if (!input.StartsWith("s3://", StringComparison.Ordinal) && !input.StartsWith("http", StringComparison.Ordinal))
        {
            throw StablecogErrors.Error(400, "invalid_image_url");
        }
        else
        {
            (picture, StoredPicture known) = await pictures.ResolveAsync(
                input,
                account,
                "image_not_owned",
                "init_image_not_found",
                BodyBudget.Of(http),
                cancellationToken
            );
            CheckSize(known.Width, known.Height);
        }

        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobId id = await call.SubmitAsync(
            0,
            new SuperResolutionBody
            {
                Image = picture,
                Model = model.Name,
                Scale = Math.Min(table.UpscaleScale, model.Scale ?? table.UpscaleScale),
                OutputFormat = "jpg",
                OutputQuality = table.DefaultQuality,
            },
            null,
            cancellationToken
        );
        JobDocument job = await call.EndAsync(id, TimeSpan.FromSeconds(table.WaitSeconds), cancellationToken);
        if (output is not null)
        {
            await gallery.MarkUpscaledAsync(output.Job.Id, output.Output.Index, id, cancellationToken);
        }

        string url = calls.AddressOf(http.Request, job.Outputs[0]);
        var made = new JsonObject
        {
            ["id"] = StablecogIds.OfOutput(id, 0),
            ["url"] = url,
            ["upscaled_image_url"] = url,
        };
        JsonNode answer = await AnswerAsync(http, made, settings, cancellationToken);
        call.Answered();
        return answer;
    }

    /// <summary>A form has its fields in a JSON part of their own.</summary>
    private static void ReadData(FaceBody body)
    {
        if (body.Text("data") is not { } data)
        {
            return;
        }

        try
        {
            FaceBodyReader.ReadJson(body, Encoding.UTF8.GetBytes(data));
        }
        catch (ProblemException)
        {
            throw StablecogErrors.ParseError();
        }
    }

    private void CheckSize(int width, int height)
    {
        if ((long)width * height > table.MaxUpscalePixels)
        {
            throw StablecogErrors.Error(
                400,
                "image_url_width_height_error",
                $"Image cannot exceed {table.MaxUpscalePixels / 1_000_000} megapixels"
            );
        }
    }

    private JsonObject Done(HttpContext http, GalleryOutput output, Guid id, (JobId Job, JobOutput Output) upscaled)
    {
        var until = DateTimeOffset.FromUnixTimeSeconds(urls.ExpiryNow);
        string address = calls.BaseOf(http.Request);
        return new JsonObject
        {
            ["id"] = id,
            ["url"] = address + urls.PathOf(output.Job.Id, output.Output.Index, until),
            ["upscaled_image_url"] = address + urls.PathOf(upscaled.Job, upscaled.Output.Index, until),
        };
    }

    private async Task<JsonNode> AnswerAsync(
        HttpContext http,
        JsonObject output,
        JsonObject settings,
        CancellationToken cancellationToken
    ) =>
        new JsonObject
        {
            ["outputs"] = new JsonArray(output),
            ["remaining_credits"] = await generations.RemainingAsync(http.Caller().AccountId, cancellationToken),
            ["settings"] = settings.DeepClone(),
        };
}
