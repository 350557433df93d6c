using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Pricing;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Dezgo;

/// <summary>Dezgo's interface, and its variant on RapidAPI: one call, one finished picture as raw bytes.</summary>
internal sealed class DezgoFace(
    FaceCalls calls,
    DezgoAccount account,
    ModelDirectory models,
    AccountStore accounts,
    Prices prices,
    DezgoTable table,
    IOptions<FaceOptions> options
) : IFace
{
    private const string RapidApiHost = "X-RapidAPI-Host";
    private const string RapidApiKey = "X-RapidAPI-Key";

    private static readonly PathString Root = "/faces/dezgo";

    private static readonly Dictionary<string, string> Names = new()
    {
        ["num_inference_steps"] = "steps",
        ["guidance_scale"] = "guidance",
        ["scheduler"] = "sampler",
        ["output_format"] = "format",
        ["image"] = "init_image",
        ["mask"] = "mask_image",
        ["image_guidance_scale"] = "image_guidance",
        ["loras[0].model"] = "lora1",
        ["loras[0].scale"] = "lora1_strength",
        ["loras[1].model"] = "lora2",
        ["loras[1].scale"] = "lora2_strength",
        ["refiner.model"] = "refiner",
        ["control[0].image"] = "init_image",
        ["control[0].type"] = "control_model",
        ["control[0].scale"] = "control_scale",
        ["control[0].preprocessor"] = "control_preprocess",
    };

    private static readonly Dictionary<string, Func<DezgoBodies, JobBody>> Functions = new()
    {
        ["text2image"] = b => b.Text2Image(),
        ["text2image_sdxl"] = b => b.Text2Image(),
        ["text2image_sdxl_lightning"] = b => b.Text2Image(),
        ["text2image_flux"] = b => b.Text2Image(),
        ["image2image"] = b => b.Image2Image(),
        ["inpainting"] = b => b.Inpainting(),
        ["text-inpainting"] = b => b.TextInpainting(),
        ["edit-image"] = b => b.EditImage(),
        ["controlnet"] = b => b.ControlNet(),
        ["upscale"] = b => b.Upscale(),
        ["text2video"] = b => b.Text2Video(),
    };

    /// <summary>The functions that take no picture.</summary>
    private static readonly string[] OfWordsAlone =
    [
        "text2image",
        "text2image_sdxl",
        "text2image_sdxl_lightning",
        "text2image_flux",
        "text2video",
    ];

    public bool Owns(HttpRequest request) =>
        IsUnderRoot(request)
        || FacePort.IsAt(request, table.Hosts, table.Port)
        || table.Hosts.Contains(request.Headers[RapidApiHost].ToString(), StringComparer.OrdinalIgnoreCase);

    public Task PrepareAsync(HttpContext http)
    {
        FaceKeys.Use(http.Request, FaceKeys.FromHeaders(http.Request, "X-Dezgo-Key", RapidApiKey));
        if (!IsUnderRoot(http.Request))
        {
            http.Request.Path = Root.Add(http.Request.Path);
        }

        // On every answer, errors too: set at the last moment, for an error clears the headers
        http.Response.OnStarting(() =>
        {
            if (http.Features.Get<Caller>() is { } caller)
            {
                http.Response.Headers["x-dezgo-auth-userid"] = caller.AccountId.ToString("N");
            }

            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    public async Task WriteAsync(HttpContext http, Problem problem)
    {
        if (problem.Status == StatusCodes.Status422UnprocessableEntity)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
        }

        var body = new JsonObject { ["message"] = FaceProblem.Text(problem, Names), ["code"] = problem.Code };
        IReadOnlyList<(string Field, string Detail)> fields = FaceProblem.Fields(problem, Names);
        if (fields.Count > 0)
        {
            body["fields"] = new JsonArray([.. fields.Select(f => (JsonNode)JsonValue.Create(f.Field)).DistinctBy(f => f.ToString())]);
        }

        await http.Response.WriteAsJsonAsync(body, http.RequestAborted);
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup(Root.Value!).WithTags("Dezgo");
        foreach (string function in Functions.Keys)
        {
            // Some clients send GET with a body
            string[] methods = function == "text2image" ? ["POST", "GET"] : ["POST"];
            group
                .MapMethods($"/{function}", methods, (HttpContext http, CancellationToken cancellationToken) =>
                    RunAsync(function, http, cancellationToken)
                )
                .RequireAuthorization(Scopes.Jobs)
                .WithSummary($"Dezgo: {function}");
        }

        group
            .MapGet("/account/tx/last", account.LastTransactionAsync)
            .RequireAuthorization(Scopes.Read)
            .WithSummary("Dezgo: the last transaction");
        group
            .MapGet("/account/file", account.FileAsync)
            .RequireAuthorization(Scopes.Read)
            .WithSummary("Dezgo: what a job made, or was given");
        group.MapGet("/info", InfoAsync).WithSummary("Dezgo: the models");
        group
            .MapGet("/openapi.json", (HttpContext http) =>
                Results.Json(DezgoDescription.Of(table, calls.BaseOf(http.Request) + (IsRooted(http) ? "" : Root.Value)))
            )
            .WithSummary("Dezgo: the description of this interface");
    }

    private static bool IsUnderRoot(HttpRequest request) => request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether clients of this address see the face at its root.</summary>
    private bool IsRooted(HttpContext http) => FacePort.IsAt(http.Request, table.Hosts, table.Port);

    private async Task<IResult> RunAsync(string function, HttpContext http, CancellationToken cancellationToken)
    {
        long limit = options.Value.BodyLimit(withPictures: !OfWordsAlone.Contains(function));
        FaceBody body = await FaceBody.ReadAsync(http.Request, limit, cancellationToken);
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        var bodies = new DezgoBodies(table, function, body, catalogue, await models.SchedulersAsync(cancellationToken));
        JobBody native = Functions[function](bodies);
        ModelEntry? upscaler = null;
        if (native is PictureBody && bodies.IsUpscaled())
        {
            upscaler = ModelChoice.Find(catalogue, DezgoBodies.Upscaler(table), JobKind.SuperResolution);
            if (upscaler is null)
            {
                body.Errors.Add("upscale", "cannot be 2 here: no model enlarges pictures");
            }
        }

        Credits spendable = upscaler is null
            ? Credits.Zero
            : (await accounts.FindAsync(http.Caller().AccountId, cancellationToken))?.Balance ?? Credits.Zero;
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobDocument job = await call.RunAsync(
            0,
            native,
            request => PriceOf(request, bodies.IsPriced, upscaler, spendable),
            cancellationToken
        );
        var done = new List<JobDocument> { job };
        if (upscaler is not null)
        {
            byte[] picture = await calls.ReadAsync(job.Outputs[0], cancellationToken);
            done.Add(
                await call.RunAsync(
                    1,
                    bodies.UpscaleOf(picture),
                    request => PriceOf(request, isPriced: true, null, Credits.Zero),
                    cancellationToken
                )
            );
        }

        await account.AddJobHeadersAsync(http, done, http.Request.Headers.ContainsKey(RapidApiKey), cancellationToken);
        JobOutputLink output = done[^1].Outputs[0];
        Stream file = await calls.OpenAsync(output, cancellationToken);
        call.Answered();
        http.RequestServices.GetRequiredService<OpenAnswers>().EndWithOutputs(http, done[^1].Id);
        return Results.Stream(file, output.ContentType);
    }

    /// <summary>The price of a job; refuses a generation whose upscaling could not follow.</summary>
    private Credits PriceOf(CheckedRequest job, bool isPriced, ModelEntry? upscaler, Credits spendable)
    {
        Credits price = (isPriced, job.Request) switch
        {
            (true, PictureRequest r) => DezgoPrices.ToCredits(DezgoPrices.Generation(r.Width, r.Height, r.NumInferenceSteps), table),
            (true, SuperResolutionRequest r) => DezgoPrices.ToCredits(DezgoPrices.Upscale(r.Image.Width, r.Image.Height), table),
            _ => prices.Of(job),
        };
        if (upscaler is not null && job.Request is PictureRequest picture)
        {
            (int width, int height) = (picture.Width * 2, picture.Height * 2);
            if (Math.Max(width, height) > upscaler.MaxSide || (long)width * height > upscaler.MaxPixels)
            {
                throw new ProblemException(
                    422,
                    "invalid_request",
                    "The enlarged picture would be too large.",
                    new Dictionary<string, string[]>
                    {
                        ["upscale"] =
                        [
                            $"makes {width} x {height} of this picture; sides of {upscaler.MaxSide} and {upscaler.MaxPixels} pixels are "
                                + "possible at most",
                        ],
                    }
                );
            }

            Credits both = price + DezgoPrices.ToCredits(DezgoPrices.Upscale(picture.Width, picture.Height), table);
            if (both > spendable)
            {
                throw new ProblemException(
                    402,
                    "insufficient_credits",
                    $"This call costs {both} credits, and the account has {spendable} to spend."
                );
            }
        }

        return price;
    }

    private async Task<IResult> InfoAsync(CancellationToken cancellationToken) =>
        Results.Json(DezgoDescription.Info(await models.ModelsAsync(cancellationToken), table));
}

/// <summary>Adds the face, and its port where it has one.</summary>
internal static class DezgoSetup
{
    public static void AddDezgoFace(this WebApplicationBuilder builder)
    {
        DezgoTable table = FaceTable.Read<DezgoTable>("Dezgo", builder.Configuration);
        builder.Services.AddSingleton(table);
        builder.Services.AddSingleton<DezgoAccount>();
        builder.Services.AddSingleton<IFace, DezgoFace>();
        builder.ListenOn(table.Port);
    }
}
