using System.Text.Json;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// A model's entry in the catalogue, as in models/NAME.json: all that differs between models is data in it. Workers register the entries of
/// the models that they can run; the API checks and prices requests by them.
/// </summary>
public sealed record ModelEntry
{
    /// <summary>The name, of lowercase letters, digits, '-', '.' and '_'; it is also the name of the model's queue.</summary>
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>The family of the model: sd15, sd21, sdxl, flux, ..., or esrgan for networks that only enlarge.</summary>
    public required string Family { get; init; }

    public required IReadOnlyList<JobKind> Kinds { get; init; }

    /// <summary>
    /// The kinds that the model can do, but not at present, because the worker that registered it lacks something. Workers set it; an
    /// entry's file does not have it.
    /// </summary>
    public IReadOnlyList<UnavailableKind> UnavailableKinds { get; init; } = [];

    /// <summary>
    /// Whether operators have paused the model: its jobs are taken, and wait. Operators set it; an entry's file does not have it, and a
    /// worker that registers the model changes nothing of it.
    /// </summary>
    public bool Paused { get; init; }

    /// <summary>Folder or file of the weights, relative to the entry.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// What the model's files say about it; null where no worker has read them. Workers set it; an entry's file does not have it.
    /// </summary>
    public NetworkFacts? Network { get; init; }

    /// <summary>The width and height that the network was trained on, in pixels.</summary>
    public int NativeWidth { get; init; }

    public int NativeHeight { get; init; }

    /// <summary>Widths and heights that the network makes are multiples of this many pixels.</summary>
    public int NativeMultiple { get; init; } = 8;

    /// <summary>The smallest and largest width and height that the network makes, in pixels.</summary>
    public int NativeMinSide { get; init; }

    public int NativeMaxSide { get; init; }

    /// <summary>The size of requests that give none, in pixels.</summary>
    public int DefaultWidth { get; init; }

    public int DefaultHeight { get; init; }

    /// <summary>The smallest and largest width and height of an output, in pixels.</summary>
    public required int MinSide { get; init; }

    public required int MaxSide { get; init; }

    /// <summary>The largest product of an output's width and height, in pixels.</summary>
    public required long MaxPixels { get; init; }

    /// <summary>Widths and heights of outputs are multiples of this many pixels; 1 where outputs are resized to the exact size.</summary>
    public int MultipleOf { get; init; } = 1;

    public int DefaultSteps { get; init; } = 1;

    public int MaxSteps { get; init; } = 1;

    /// <summary>The largest product of an output's pixels, steps and frames; null where the other limits suffice.</summary>
    public long? MaxPixelSteps { get; init; }

    public double DefaultGuidanceScale { get; init; }

    public double DefaultGuidanceRescale { get; init; }

    public string DefaultScheduler { get; init; } = "";

    public int MaxImages { get; init; } = 4;

    /// <summary>The number of frames of clips whose request gives none, and the largest number.</summary>
    public int DefaultFrames { get; init; } = 16;

    public int MaxFrames { get; init; } = 32;

    public double DefaultFps { get; init; } = 8;

    /// <summary>The factor of a model that only enlarges; null for others.</summary>
    public int? Scale { get; init; }

    /// <summary>The network that enlarges its pictures; null where there is none.</summary>
    public UpscalerEntry? Upscaler { get; init; }

    /// <summary>The control networks that go with it.</summary>
    public IReadOnlyList<ControlNetEntry> ControlNets { get; init; } = [];

    /// <summary>The motion adapter with which the model makes clips: a folder or file, relative to the entry.</summary>
    public string? MotionAdapter { get; init; }

    /// <summary>
    /// Settings of the scheduler for clips from a prompt, which override the model's own, in the form of scheduler_config.json. Adapters
    /// are trained on schedules of their own, the published ones on {"beta_schedule": "linear", "timestep_spacing": "linspace",
    /// "clip_sample": false}.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement>? MotionScheduler { get; init; }

    /// <summary>The safety checker of the model's outputs: a folder, relative to the entry.</summary>
    public string? SafetyChecker { get; init; }

    /// <summary>The CLIPSeg model that finds masks from a text: a folder, relative to the entry.</summary>
    public string? MaskFinder { get; init; }

    /// <summary>Other autoencoders that requests may name.</summary>
    public IReadOnlyList<PartEntry> Vaes { get; init; } = [];

    /// <summary>Name of the model that refines its pictures where a request asks for that and names none.</summary>
    public string? Refiner { get; init; }

    /// <summary>LoRAs that requests may name; the worker lists the files of its loras folder here.</summary>
    public IReadOnlyList<AdapterEntry> Loras { get; init; } = [];

    /// <summary>Textual inversions whose tokens prompts may have; the worker lists the files of its embeddings folder here.</summary>
    public IReadOnlyList<AdapterEntry> Embeddings { get; init; } = [];

    /// <summary>Whether the model's clips begin with a picture; otherwise a motion adapter makes them from a prompt.</summary>
    [JsonIgnore]
    public bool ClipsFromPicture => MotionAdapter is null;

    /// <summary>A factor on the price of the model's jobs.</summary>
    public decimal PriceFactor { get; init; } = 1m;

    /// <summary>The model's own prices, by kind, which override those of the configuration.</summary>
    public IReadOnlyDictionary<string, KindPrice>? Prices { get; init; }

    /// <summary>Whether the model only enlarges, by a network that needs no steps.</summary>
    [JsonIgnore]
    public bool IsPlainUpscaler => Scale is not null && MaxSteps <= 1;

    /// <summary>Returns the entry for a worker that lacks what a kind needs: the kind is moved to the unavailable ones.</summary>
    public ModelEntry Without(JobKind kind, string reason) =>
        Kinds.Contains(kind)
            ? this with
            {
                Kinds = [.. Kinds.Where(k => k != kind)],
                UnavailableKinds = [.. UnavailableKinds, new UnavailableKind(kind, reason)],
            }
            : this;
}

/// <summary>What a model's files say that its jobs are planned by. Workers read it and register it.</summary>
/// <param name="Scheduler">The model's own scheduler with its class, in the form of its scheduler_config.json.</param>
/// <param name="SeesMask">Whether the network takes the mask as an input when it paints inside one.</param>
/// <param name="PlainPrompts">Whether its prompts are plain text, in which weights and brackets are words.</param>
/// <param name="TextEncoders">What reads its prompts; null where the worker that registered it does not say.</param>
public sealed record NetworkFacts(
    JsonElement Scheduler,
    bool SeesMask,
    bool PlainPrompts = false,
    IReadOnlyList<TextEncoderEntry>? TextEncoders = null
);

/// <summary>A kind of job that a model can do, but not at present.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Reason">What the worker lacks, and what to do about it, for people.</param>
public sealed record UnavailableKind(JobKind Kind, string Reason);
