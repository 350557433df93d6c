using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Models;
using Generation.Contracts;
using Generation.Storage.Faces;

namespace Generation.Api.Faces.Stablecog;

/// <summary>What this face lists: outputs, the gallery, models, defaults, credits.</summary>
internal sealed class StablecogLists(
    StablecogTable table,
    ModelDirectory models,
    OutputGallery gallery,
    OutputUrls urls,
    FaceCalls calls,
    StablecogGenerations generations
)
{
    /// <summary>The account's own pictures.</summary>
    public async Task<JsonNode> OutputsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        StablecogNames names = await NamesAsync(cancellationToken);
        var query = StablecogFilter.Read(http.Request.Query, names);
        return await PageAsync(
            http,
            query with
            {
                Filter = query.Filter with { AccountId = http.Caller().AccountId },
            },
            names,
            isGallery: false,
            cancellationToken
        );
    }

    /// <summary>Pictures whose owners show them to everybody; output_id: one of them.</summary>
    public async Task<JsonNode> GalleryAsync(HttpContext http, CancellationToken cancellationToken)
    {
        StablecogNames names = await NamesAsync(cancellationToken);
        if (http.Request.Query["output_id"].ToString() is { Length: > 0 } text)
        {
            Guid id = Guid.TryParse(text, out Guid given) ? given : throw StablecogErrors.Error(400, "invalid_output_id");
            GalleryOutput? output = await gallery.FindAsync(StablecogIds.Outputs(id), null, cancellationToken);
            return output is { Gallery: GalleryStatus.Approved }
                ? new JsonObject { ["outputs"] = new JsonArray(Item(http, output, names, isGallery: true)) }
                : throw StablecogErrors.Error(404, "generation_not_found");
        }

        var query = StablecogFilter.Read(http.Request.Query, names);
        return await PageAsync(
            http,
            query with
            {
                Filter = query.Filter with { Gallery = [GalleryStatus.Approved] },
            },
            names,
            isGallery: true,
            cancellationToken
        );
    }

    public async Task<JsonNode> CreditsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        Guid account = http.Caller().AccountId;
        long remaining = await generations.RemainingAsync(account, cancellationToken);
        return new JsonObject
        {
            ["total_remaining_credits"] = remaining,
            ["credits"] = new JsonArray(
                new JsonObject
                {
                    ["id"] = account,
                    ["remaining_amount"] = remaining,
                    // They do not expire
                    ["expires_at"] = "9999-12-31T00:00:00Z",
                    ["type"] = new JsonObject
                    {
                        ["id"] = StablecogIds.Of("credits", "account"),
                        ["name"] = "Credits",
                        ["amount"] = remaining,
                        ["description"] = "Credits of this account",
                    },
                }
            ),
        };
    }

    public async Task<JsonNode> ModelsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        StablecogNames names = await NamesAsync(cancellationToken);
        return new JsonObject
        {
            ["models"] = new JsonArray([
                .. names.Models.Select(
                    (model, place) =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["id"] = model.Id,
                                ["name"] = model.Name,
                                ["is_default"] = place == 0,
                                ["available_schedulers"] = new JsonArray([
                                    .. names.Schedulers.Select(s => (JsonNode)new JsonObject { ["id"] = s.Id, ["name"] = s.Name }),
                                ]),
                                ["default_width"] = model.Model.DefaultWidth,
                                ["default_height"] = model.Model.DefaultHeight,
                            }
                ),
            ]),
        };
    }

    public async Task<JsonNode> UpscaleModelsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        StablecogNames names = await NamesAsync(cancellationToken);
        return new JsonObject
        {
            ["models"] = new JsonArray([
                .. names.Upscalers.Select(
                    (model, place) =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["id"] = model.Id,
                                ["name"] = model.Name,
                                ["is_default"] = place == 0,
                            }
                ),
            ]),
        };
    }

    public async Task<JsonNode> DefaultsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        StablecogNames names = await NamesAsync(cancellationToken);
        ModelEntry? model = names.Default(JobKind.Text2Img);
        return new JsonObject
        {
            ["model_id"] = model is null ? Guid.Empty : names.IdOf(model.Name, JobKind.Text2Img),
            ["scheduler_id"] = names.SchedulerOrDefault(null),
            ["width"] = model?.DefaultWidth ?? 512,
            ["height"] = model?.DefaultHeight ?? 512,
            ["num_outputs"] = table.DefaultOutputs,
            ["guidance_scale"] = table.DefaultGuidance,
            ["inference_steps"] = table.DefaultSteps,
            ["prompt_strength"] = table.DefaultStrength,
        };
    }

    public async Task<JsonNode> UpscaleDefaultsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        StablecogNames names = await NamesAsync(cancellationToken);
        ModelEntry? model = names.Default(JobKind.SuperResolution);
        return new JsonObject { ["model_id"] = model is null ? Guid.Empty : names.IdOf(model.Name, JobKind.SuperResolution) };
    }

    private async Task<StablecogNames> NamesAsync(CancellationToken cancellationToken) =>
        new(table, await models.ModelsAsync(cancellationToken), await models.SchedulersAsync(cancellationToken));

    private async Task<JsonNode> PageAsync(
        HttpContext http,
        StablecogFilter query,
        StablecogNames names,
        bool isGallery,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<GalleryOutput> rows = query.IsFavorited == true ? [] : await gallery.ListAsync(query.Filter, cancellationToken);
        GalleryOutput[] shown = [.. rows.Take(query.PerPage)];
        var page = new JsonObject
        {
            ["outputs"] = new JsonArray([.. shown.Select(output => (JsonNode)Item(http, output, names, isGallery))]),
        };
        if (rows.Count > query.PerPage)
        {
            page["next"] = query.IsSearch ? query.Filter.Offset + query.PerPage : TimeOf(shown[^1].CreatedAt);
        }

        if (!isGallery && query.Filter is { After: null, Offset: 0 })
        {
            page["total_count"] = query.IsFavorited == true ? 0 : await gallery.CountAsync(query.Filter, cancellationToken);
        }

        return page;
    }

    private JsonObject Item(HttpContext http, GalleryOutput output, StablecogNames names, bool isGallery)
    {
        JsonObject item = Output(http, output);
        var request = (PictureRequest)output.Job.ReadRequest();
        var generation = new JsonObject
        {
            ["id"] = output.Job.Id.Value,
            ["width"] = request.Width,
            ["height"] = request.Height,
            ["inference_steps"] = request.NumInferenceSteps,
            ["guidance_scale"] = request.GuidanceScale,
            ["seed"] = output.Output.Seed ?? request.Seed,
            ["num_outputs"] = request.NumImages,
            ["status"] = "succeeded",
            ["model_id"] = names.IdOf(request.Model, JobKind.Text2Img),
            ["scheduler_id"] = names.IdOfScheduler(request.Scheduler),
            ["created_at"] = TimeOf(output.Job.CreatedAt),
            ["started_at"] = output.Job.StartedAt is { } started ? TimeOf(started) : null,
            ["completed_at"] = output.Job.FinishedAt is { } finished ? TimeOf(finished) : null,
            ["prompt"] = Prompt(request.Prompt),
            ["was_auto_submitted"] = false,
            ["outputs"] = new JsonArray(Output(http, output)),
        };
        if (request.NegativePrompt.Length > 0)
        {
            generation["negative_prompt"] = Prompt(request.NegativePrompt);
        }

        if (request is Img2ImgRequest { Strength: var strength })
        {
            generation["prompt_strength"] = strength;
        }

        if (isGallery)
        {
            // Whose it is, without saying who that is
            string identifier = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(output.Job.AccountId.ToString())));
            generation["user"] = new JsonObject { ["username"] = $"user-{identifier[..8]}", ["identifier"] = identifier };
        }

        item["generation"] = generation;
        return item;
    }

    private JsonObject Output(HttpContext http, GalleryOutput output)
    {
        JobOutputLink link = urls.Sign((output.Job with { Outputs = [output.Output] }).ToDocument()).Outputs[0];
        var item = new JsonObject
        {
            ["id"] = StablecogIds.OfOutput(output.Job.Id, output.Output.Index),
            ["image_url"] = calls.AddressOf(http.Request, link),
            ["created_at"] = TimeOf(output.CreatedAt),
            ["updated_at"] = TimeOf(output.CreatedAt),
            ["gallery_status"] = StablecogFilter.NameOf(output.Gallery),
            ["is_favorited"] = false,
            ["was_auto_submitted"] = false,
            ["is_public"] = output.Gallery == GalleryStatus.Approved,
            ["like_count"] = 0,
        };
        if (output.Upscaled is var (job, upscaled))
        {
            item["upscaled_image_url"] =
                calls.BaseOf(http.Request) + urls.PathOf(job, upscaled.Index, DateTimeOffset.FromUnixTimeSeconds(urls.ExpiryNow));
        }

        return item;
    }

    private static JsonObject Prompt(string text) => new() { ["id"] = StablecogIds.Of("prompt", text), ["text"] = text };

    private static string TimeOf(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
}
