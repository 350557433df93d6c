using Generation.Api.Kinds;
using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Models;

/// <summary>A model as people see it: what it does, its limits and its defaults.</summary>
public sealed record ModelInfo
{
    public required string Name { get; init; }

    /// <summary>The name again, as OpenAI's libraries read it.</summary>
    public string Id => Name;

    /// <summary>model, as OpenAI's libraries read it.</summary>
    public string Object => "model";

    /// <summary>When it was registered as it is now, in Unix seconds.</summary>
    public required long Created { get; init; }

    /// <summary>Whose it is, as OpenAI's libraries read it: this system's.</summary>
    public string OwnedBy => "generation";

    public required string Description { get; init; }

    public required string Family { get; init; }

    public required IReadOnlyList<JobKind> Kinds { get; init; }

    /// <summary>Kinds that it does, but not at present, with what is missing; absent where there is none.</summary>
    public IReadOnlyList<UnavailableKind>? UnavailableKinds { get; init; }

    /// <summary>Whether a worker that has it is running.</summary>
    public required bool Available { get; init; }

    /// <summary>Whether operators have paused it: its jobs are taken, and wait.</summary>
    public required bool Paused { get; init; }

    public required int DefaultWidth { get; init; }

    public required int DefaultHeight { get; init; }

    public required int MinSide { get; init; }

    public required int MaxSide { get; init; }

    public required long MaxPixels { get; init; }

    public required int MultipleOf { get; init; }

    public required int DefaultSteps { get; init; }

    public required int MaxSteps { get; init; }

    public required double DefaultGuidanceScale { get; init; }

    public required string DefaultScheduler { get; init; }

    public required int MaxImages { get; init; }

    /// <summary>Size at which the network works; larger pictures are upscaled.</summary>
    public required int NativeWidth { get; init; }

    public required int NativeHeight { get; init; }

    public string? Upscaler { get; init; }

    /// <summary>How many times a model enlarges that does only that; absent for others.</summary>
    public int? Scale { get; init; }

    /// <summary>Largest product of pixels, steps and frames of a request.</summary>
    public long? MaxPixelSteps { get; init; }

    /// <summary>Frames of a clip that names none, and the most; absent where it makes no clips.</summary>
    public int? DefaultFrames { get; init; }

    public int? MaxFrames { get; init; }

    public double? DefaultFps { get; init; }

    /// <summary>Whether its clips begin with a picture; otherwise they are made from a prompt alone.</summary>
    public bool? ClipsFromPicture { get; init; }

    /// <summary>The types of control pictures that it takes.</summary>
    public IReadOnlyList<string>? ControlTypes { get; init; }

    /// <summary>LoRAs that fit it.</summary>
    public IReadOnlyList<string>? Loras { get; init; }

    /// <summary>Textual inversions whose names its prompts may have.</summary>
    public IReadOnlyList<string>? Embeddings { get; init; }

    /// <summary>Autoencoders that may take the place of its own.</summary>
    public IReadOnlyList<string>? Vaes { get; init; }

    /// <summary>The model that refines its pictures where a request asks for that and names none.</summary>
    public string? Refiner { get; init; }

    /// <summary>Whether a safety checker can look at its outputs.</summary>
    public bool HasSafetyChecker { get; init; }

    /// <summary>Whether inpaint takes a mask_prompt.</summary>
    public bool HasMaskFinder { get; init; }

    public required decimal PriceFactor { get; init; }

    public static ModelInfo Of(ModelEntry entry, bool available, DateTimeOffset registered)
    {
        bool makesClips = entry.Kinds.Any(kind => KindTable.Of(kind).MakesClips);
        return new ModelInfo
        {
            Created = registered.ToUnixTimeSeconds(),
            Name = entry.Name,
            Description = entry.Description,
            Family = entry.Family,
            Kinds = entry.Kinds,
            UnavailableKinds = NullIfEmpty(entry.UnavailableKinds),
            Available = available,
            Paused = entry.Paused,
            DefaultWidth = entry.DefaultWidth,
            DefaultHeight = entry.DefaultHeight,
            MinSide = entry.MinSide,
            MaxSide = entry.MaxSide,
            MaxPixels = entry.MaxPixels,
            MultipleOf = entry.MultipleOf,
            DefaultSteps = entry.DefaultSteps,
            MaxSteps = entry.MaxSteps,
            DefaultGuidanceScale = entry.DefaultGuidanceScale,
            DefaultScheduler = entry.DefaultScheduler,
            MaxImages = entry.MaxImages,
            NativeWidth = entry.NativeWidth,
            NativeHeight = entry.NativeHeight,
            Upscaler = entry.Upscaler?.Name,
            Scale = entry.Scale,
            MaxPixelSteps = entry.MaxPixelSteps,
            DefaultFrames = makesClips ? entry.DefaultFrames : null,
            MaxFrames = makesClips ? entry.MaxFrames : null,
            DefaultFps = makesClips ? entry.DefaultFps : null,
            ClipsFromPicture = makesClips ? entry.ClipsFromPicture : null,
            ControlTypes = NullIfEmpty(entry.ControlNets.Select(net => net.Type).Distinct()),
            Loras = NullIfEmpty(entry.Loras.Where(lora => lora.Family == entry.Family).Select(lora => lora.Name)),
            Embeddings = NullIfEmpty(
                entry.Embeddings.Where(embedding => embedding.Family == entry.Family).Select(embedding => embedding.Name)
            ),
            Vaes = NullIfEmpty(entry.Vaes.Select(vae => vae.Name)),
            Refiner = entry.Refiner,
            HasSafetyChecker = entry.SafetyChecker is not null,
            HasMaskFinder = entry.MaskFinder is not null,
            PriceFactor = entry.PriceFactor,
        };
    }

    private static List<T>? NullIfEmpty<T>(IEnumerable<T> items) => items.ToList() is { Count: > 0 } list ? list : null;
}

/// <summary>All models: the answer that native clients and OpenAI's libraries read alike.</summary>
public sealed record ModelList(IReadOnlyList<ModelInfo> Data)
{
    /// <summary>list, as OpenAI's libraries read it.</summary>
    public string Object => "list";

    /// <summary>There is one page.</summary>
    public string? NextCursor => null;
}

/// <summary>/v1/models and /v1/schedulers: what requests may name.</summary>
internal static class ModelsApi
{
    public static void AddModels(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ModelDirectory>();
        builder.Services.AddSingleton<TokenizerCache>();
    }

    public static void MapModels(this WebApplication app)
    {
        app.MapGet("/v1/models", ListAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("Models")
            .WithName("listModels")
            .WithSummary("The models, with their limits and defaults")
            .Produces<ModelList>()
            .ProducesProblems(401, 403, 503);
        app.MapGet("/v1/models/{name}", GetAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("Models")
            .WithName("getModel")
            .WithSummary("One model")
            .Produces<ModelInfo>()
            .ProducesProblems(401, 403, 404, 503);
        app.MapPost("/v1/models/{name}/tokens", TokensApi.CountAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("Models")
            .WithName("countTokens")
            .WithSummary("How many tokens the model's text encoders read of a prompt, and what they do not read")
            .WithDescription(
                "Counted as the worker encodes it: tags of LoRAs are taken out, weights and brackets are no words. Of a prompt that changes "
                    + "between steps the longest text counts. An encoder whose vocabulary is not known here has no counts."
            )
            .Accepts<TokensBody>("application/json")
            .Produces<TokenCounts>()
            .ProducesProblems(400, 401, 403, 404, 413, 415, 422, 429, 503);
        app.MapGet("/v1/schedulers", SchedulersAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("Models")
            .WithName("listSchedulers")
            .WithSummary("The schedulers")
            .Produces<Page<SchedulerEntry>>()
            .ProducesProblems(401, 403, 503);
    }

    private static async Task<IResult> ListAsync(ModelDirectory models, LoadCache loads, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, DateTimeOffset> times = await models.TimesAsync(cancellationToken);
        var infos = new List<ModelInfo>();
        foreach (ModelEntry entry in (await models.ModelsAsync(cancellationToken)).Values.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            infos.Add(
                ModelInfo.Of(entry, (await loads.OfAsync(entry.Name, cancellationToken)).Workers > 0, times.GetValueOrDefault(entry.Name))
            );
        }

        return Results.Ok(new ModelList(infos));
    }

    private static async Task<IResult> GetAsync(string name, ModelDirectory models, LoadCache loads, CancellationToken cancellationToken)
    {
        ModelEntry entry = await models.GetAsync(name, cancellationToken);
        return Results.Ok(
            ModelInfo.Of(
                entry,
                (await loads.OfAsync(name, cancellationToken)).Workers > 0,
                (await models.TimesAsync(cancellationToken)).GetValueOrDefault(name)
            )
        );
    }

    private static async Task<IResult> SchedulersAsync(ModelDirectory models, CancellationToken cancellationToken)
    {
        IReadOnlyList<SchedulerEntry> known = await models.SchedulersAsync(cancellationToken);
        // What a model uses by default is known even before a worker has told the whole list
        IEnumerable<SchedulerEntry> defaults = (await models.ModelsAsync(cancellationToken))
            .Values.Select(m => m.DefaultScheduler)
            .Where(name => name.Length > 0)
            .Distinct()
            .Where(name => known.All(s => s.Name != name))
            .Select(name => new SchedulerEntry(name, ""));
        return Results.Ok(new Page<SchedulerEntry>([.. known.Concat(defaults).OrderBy(s => s.Name, StringComparer.Ordinal)], null));
    }
}
