using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Planning;
using Generation.Storage.Accounts;
using Generation.Storage.Faces;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Faces.Stablecog;

/// <summary>POST /v1/image/generation/create: blocks until the pictures are there.</summary>
internal sealed class StablecogGenerations(
    StablecogTable table,
    ModelDirectory models,
    StablecogPictures pictures,
    FaceCalls calls,
    OutputGallery gallery,
    AccountStore accounts
)
{
    public async Task<JsonNode> CreateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = http.Features.GetRequiredFeature<FaceBody>();
        var names = new StablecogNames(table, await models.ModelsAsync(cancellationToken), await models.SchedulersAsync(cancellationToken));
        var request = StablecogRequest.Read(body, table, names);
        JsonObject settings = request.Settings();
        http.Features.GetRequiredFeature<StablecogSettings>().Known = settings;
        PictureBody native = await BodyAsync(request, names, http.Caller().AccountId, BodyBudget.Of(http), cancellationToken);

        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobId id = await call.SubmitAsync(0, native, null, cancellationToken);
        if (request.SubmitToGallery)
        {
            await gallery.MarkGalleryAsync(
                id,
                request.Outputs,
                table.GalleryApproves ? GalleryStatus.Approved : GalleryStatus.Submitted,
                cancellationToken
            );
        }

        JobDocument job = await call.EndAsync(id, TimeSpan.FromSeconds(table.WaitSeconds), cancellationToken);
        var answer = new JsonObject
        {
            ["outputs"] = new JsonArray([.. job.Outputs.Select(output => Output(http, job.Id, output))]),
            ["remaining_credits"] = await RemainingAsync(http.Caller().AccountId, cancellationToken),
            ["settings"] = settings.DeepClone(),
        };
        call.Answered();
        return answer;
    }

    /// <summary>Whole credits that an account can spend.</summary>
    public async Task<long> RemainingAsync(Guid account, CancellationToken cancellationToken) =>
        (long)Math.Floor((await accounts.FindAsync(account, cancellationToken))?.Balance.Value ?? 0);

    private JsonObject Output(HttpContext http, JobId job, JobOutputLink output)
    {
        string url = calls.AddressOf(http.Request, output);
        return new JsonObject
        {
            ["id"] = StablecogIds.OfOutput(job, output.Index),
            ["url"] = url,
            ["image_url"] = url,
        };
    }

    private async Task<PictureBody> BodyAsync(
        StablecogRequest request,
        StablecogNames names,
        Guid account,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        PictureBody body;
        if (request.InitImageUrl is not { } init)
        {
            body = new Text2ImgBody();
        }
        else
        {
            (PictureSource image, _) = await pictures.ResolveAsync(
                init,
                account,
                "init_image_not_owned",
                "init_image_not_found",
                share,
                cancellationToken
            );
            if (request.MaskImageUrl is { } maskAddress)
            {
                (PictureSource mask, _) = await pictures.ResolveAsync(
                    maskAddress,
                    account,
                    "image_not_owned",
                    "mask_image_not_found",
                    share,
                    cancellationToken
                );
                body = new InpaintBody
                {
                    Image = image,
                    Mask = mask,
                    Strength = Strength(request),
                };
            }
            else
            {
                body = new Img2ImgBody { Image = image, Strength = Strength(request) };
            }
        }

        // The service takes sides that are no multiples; its networks do not either
        int multiple = Math.Max(1, request.Model.MultipleOf);
        body.Model = request.Model.Name;
        body.Prompt = request.Prompt;
        body.NegativePrompt = request.NegativePrompt;
        body.Width = request.Width / multiple * multiple;
        body.Height = request.Height / multiple * multiple;
        body.NumInferenceSteps = Math.Min(request.Steps, request.Model.MaxSteps);
        body.GuidanceScale = request.GuidanceScale;
        body.Scheduler = names.Scheduler(request.SchedulerId, request.Model);
        body.Seed = request.Seed;
        body.NumImages = request.Outputs;
        body.OutputFormat = request.Format;
        body.OutputQuality = table.DefaultQuality;
        return body;
    }

    // The service takes 0; here one step at least is run
    private static double? Strength(StablecogRequest request) =>
        request.PromptStrength is { } given ? JobPlanner.LeastStrength(given, Math.Min(request.Steps, request.Model.MaxSteps)) : null;
}
