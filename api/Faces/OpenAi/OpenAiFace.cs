using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.OpenAi;

/// <summary>OpenAI's image interface: /v1/images/generations, /edits and /variations. Its /v1/models is the native one's.</summary>
internal sealed class OpenAiFace(
    FaceCalls calls,
    OpenAiStream stream,
    ModelDirectory models,
    OpenAiTable table,
    IOptions<FaceOptions> options
) : IFace
{
    private static readonly PathString Root = "/v1/images";

    public bool Owns(HttpRequest request) => request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase);

    public Task PrepareAsync(HttpContext http)
    {
        // Set at the last moment: an error clears the headers
        http.Response.OnStarting(() =>
        {
            http.Response.Headers["x-request-id"] = http.TraceIdentifier;
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    public Task WriteAsync(HttpContext http, Problem problem) => OpenAiErrors.WriteAsync(http, problem);

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup(Root.Value!).RequireAuthorization(Storage.Accounts.Scopes.Jobs).WithTags("OpenAI Images");
        group.MapPost("/generations", GenerateAsync).WithName("openai-generations").WithSummary("OpenAI: pictures from a prompt");
        group.MapPost("/edits", EditAsync).WithName("openai-edits").WithSummary("OpenAI: changes a picture, or what a mask shows of it");
        group.MapPost("/variations", VaryAsync).WithName("openai-variations").WithSummary("OpenAI: variations of a picture");
    }

    private async Task<IResult> GenerateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: false), cancellationToken);
        var request = OpenAiRequest.Read(body, table, withPrompt: true);
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        IReadOnlyList<SchedulerEntry> schedulers = await models.SchedulersAsync(cancellationToken);
        string? name = Model(body, request.Model, catalogue);
        ModelEntry? model = ModelChoice.Find(catalogue, name, JobKind.Text2Img);
        return await RunAsync(
            http,
            body,
            request,
            "image_generation",
            model,
            () => request.Fill(new Text2ImgBody(), body, model, table, name, schedulers),
            cancellationToken
        );
    }

    private async Task<IResult> EditAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);
        var request = OpenAiRequest.Read(body, table, withPrompt: true);
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        IReadOnlyList<SchedulerEntry> schedulers = await models.SchedulersAsync(cancellationToken);
        string? name = Model(body, request.Model, catalogue);
        PictureSource? image = Image(body);
        PictureSource? mask = Reference(body, "mask", "mask_image");
        // There, a picture without a mask is its own: what is transparent in it is painted
        if (mask is null && request.Model == "dall-e-2" && image is not null && PictureStart.HasAlpha(image))
        {
            mask = image;
        }

        if (mask is not null)
        {
            ModelEntry? painter = ModelChoice.Find(catalogue, name, JobKind.Inpaint);
            return await RunAsync(
                http,
                body,
                request,
                "image_edit",
                painter,
                () =>
                    request.Fill(
                        new InpaintBody
                        {
                            Image = image,
                            Mask = mask,
                            MaskMode = "paint_transparent",
                            Strength = body.Number("strength"),
                        },
                        body,
                        painter,
                        table,
                        name,
                        schedulers
                    ),
                cancellationToken
            );
        }

        string? editName = table.EditModel.Length > 0 ? table.EditModel : name;
        ModelEntry? editor = ModelChoice.Find(catalogue, editName, JobKind.Edit);
        if (editor?.Kinds.Contains(JobKind.Edit) == true)
        {
            return await RunAsync(
                http,
                body,
                request,
                "image_edit",
                editor,
                () => request.Fill(new EditBody { Image = image }, body, editor, table, editName, schedulers),
                cancellationToken
            );
        }

        double strength = body.Number("strength")
            ?? table.Strength.GetValueOrDefault(body.Text("input_fidelity")?.ToLowerInvariant() ?? "low", table.Strength["low"]);
        return await RunImg2ImgAsync(http, body, request, "image_edit", image, strength, name, cancellationToken);
    }

    private async Task<IResult> VaryAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);
        OpenAiRequest request = OpenAiRequest.Read(body, table, withPrompt: false, "dall-e-2") with
        {
            Prompt = body.Text("prompt") ?? table.VariationPrompt,
        };
        string? name = Model(body, request.Model, await models.ModelsAsync(cancellationToken));
        return await RunImg2ImgAsync(
            http,
            body,
            request,
            "image_edit",
            Image(body),
            body.Number("strength") ?? table.Strength["variation"],
            name,
            cancellationToken
        );
    }

    private async Task<IResult> RunImg2ImgAsync(
        HttpContext http,
        FaceBody body,
        OpenAiRequest request,
        string eventName,
        PictureSource? image,
        double strength,
        string? name,
        CancellationToken cancellationToken
    )
    {
        ModelEntry? model = ModelChoice.Find(await models.ModelsAsync(cancellationToken), name, JobKind.Img2Img);
        IReadOnlyList<SchedulerEntry> schedulers = await models.SchedulersAsync(cancellationToken);
        return await RunAsync(
            http,
            body,
            request,
            eventName,
            model,
            () => request.Fill(new Img2ImgBody { Image = image, Strength = strength }, body, model, table, name, schedulers),
            cancellationToken
        );
    }

    private async Task<IResult> RunAsync<T>(
        HttpContext http,
        FaceBody body,
        OpenAiRequest request,
        string eventName,
        ModelEntry? model,
        Func<T> create,
        CancellationToken cancellationToken
    )
        where T : PictureBody
    {
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        var submitted = new List<JobId>();
        // A model makes some pictures at a time; more are more jobs
        for (int made = 0, place = 0; made < request.Count; place++)
        {
            int count = Math.Min(request.Count - made, Math.Max(1, model?.MaxImages ?? request.Count));
            T native = create();
            native.NumImages = count;
            native.Seed += made;
            submitted.Add(await call.SubmitAsync(place, native, null, cancellationToken));
            made += count;
        }

        http.Response.Headers["x-job-id"] = string.Join(',', submitted);
        if (request.Stream)
        {
            await stream.WriteAsync(call, eventName, request, submitted, cancellationToken);
            return Results.Empty;
        }

        var jobs = new List<JobDocument>();
        foreach (JobId id in submitted)
        {
            jobs.Add(await call.EndAsync(id, cancellationToken));
        }

        System.Text.Json.Nodes.JsonObject answer = await OpenAiAnswers.OfAsync(calls, http, request, jobs, cancellationToken);
        call.Answered();
        return Results.Json(answer);
    }

    private string? Model(FaceBody body, string? name, IReadOnlyDictionary<string, ModelEntry> catalogue)
    {
        try
        {
            return FaceNames.Model(name, table.Models, table.DefaultModel, catalogue);
        }
        catch (UnknownNameException e)
        {
            throw new ProblemException(
                422,
                "invalid_request",
                $"The model '{ErrorText.Shown(name!)}' does not exist.",
                new Dictionary<string, string[]>
                {
                    ["model"] = [$"there is no model '{ErrorText.Shown(name!)}'; there are {string.Join(", ", e.Known)}"],
                }
            );
        }
    }

    /// <summary>The picture to change; here it is one.</summary>
    private static PictureSource? Image(FaceBody body)
    {
        PictureSource[] all = [.. Items(body, "image"), .. Items(body, "images")];
        if (all.Length > 1)
        {
            body.Errors.Add("image", $"may be one picture here, and are {all.Length}");
        }
        else if (all.Length == 0 && !body.Errors.Has("image"))
        {
            body.Errors.Add("image", "is required");
        }

        return all.FirstOrDefault();
    }

    private static PictureSource? Reference(FaceBody body, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Items(body, name) is [var first, ..])
            {
                return first;
            }
        }

        return null;
    }

    /// <summary>Pictures as files or texts, or as objects with an image_url or a file_id.</summary>
    private static List<PictureSource> Items(FaceBody body, string name)
    {
        var found = new List<PictureSource>();
        foreach (FaceValue value in body.Values(name).SelectMany(v => v.Items()))
        {
            FaceValue? address = value.Member("image_url") is { } url ? url.Member("url") ?? url : value.Member("file_id");
            if ((address ?? value).AsPicture() is { } picture)
            {
                found.Add(picture);
            }
            else if (!value.IsNull && !value.IsEmpty && value.File is null)
            {
                body.Mistyped(name, "a picture, or an object with an image_url or a file_id", value);
            }
        }

        return found;
    }
}

/// <summary>Adds the face.</summary>
internal static class OpenAiSetup
{
    public static void AddOpenAiFace(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(FaceTable.Read<OpenAiTable>("OpenAi", configuration));
        services.AddSingleton<OpenAiStream>();
        services.AddSingleton<IFace, OpenAiFace>();
    }
}
