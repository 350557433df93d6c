using System.Text.Json;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// A model's entry in the catalogue, as models/NAME.json holds it: what differs between models is data in it.
/// Workers register the entries of what they can run; the API checks and prices requests by them.
/// </summary>
public sealed record ModelEntry
{
    /// <summary>Lowercase letters, digits, '-', '.' and '_'; also the name of its queue.</summary>
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Model family: sd15, sd21, sdxl, flux, ..., esrgan for networks that only enlarge.</summary>
    public required string Family { get; init; }

    public required IReadOnlyList<JobKind> Kinds { get; init; }

    /// <summary>
    /// Kinds that it does, but not at present: what the worker that registered it lacks. Workers set it; a file has none.
    /// </summary>
    public IReadOnlyList<UnavailableKind> UnavailableKinds { get; init; } = [];

    /// <summary>Folder or file of the weights, relative to the entry.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// What the model's files say of it; null where no worker has read them. Workers set it; the entry's file does not have it.
    /// </summary>
    public NetworkFacts? Network { get; init; }

    /// <summary>Width and height, in pixels, of what the network was trained to make.</summary>
    public int NativeWidth { get; init; }

    public int NativeHeight { get; init; }

    /// <summary>Sides that the network makes are multiples of this many pixels.</summary>
    public int NativeMultiple { get; init; } = 8;

    /// <summary>Smallest and largest side that the network makes, in pixels.</summary>
    public int NativeMinSide { get; init; }

    public int NativeMaxSide { get; init; }

    /// <summary>Size of a request that names none, in pixels.</summary>
    public int DefaultWidth { get; init; }

    public int DefaultHeight { get; init; }

    /// <summary>Smallest and largest side of an output, in pixels.</summary>
    public required int MinSide { get; init; }

    public required int MaxSide { get; init; }

    /// <summary>Largest width times height of an output.</summary>
    public required long MaxPixels { get; init; }

    /// <summary>An output's sides are multiples of this many pixels; 1 where outputs are resized to the pixel.</summary>
    public int MultipleOf { get; init; } = 1;

    public int DefaultSteps { get; init; } = 1;

    public int MaxSteps { get; init; } = 1;

    /// <summary>Largest product of an output's pixels, steps and frames; null: the other limits do.</summary>
    public long? MaxPixelSteps { get; init; }

    public double DefaultGuidanceScale { get; init; }

    public double DefaultGuidanceRescale { get; init; }

    public string DefaultScheduler { get; init; } = "";

    public int MaxImages { get; init; } = 4;

    /// <summary>Frames of a clip that names none, and the most that one may have.</summary>
    public int DefaultFrames { get; init; } = 16;

    public int MaxFrames { get; init; } = 32;

    public double DefaultFps { get; init; } = 8;

    /// <summary>How many times a model enlarges that does only that; null for others.</summary>
    public int? Scale { get; init; }

    /// <summary>The network that enlarges its pictures; null where there is none.</summary>
    public UpscalerEntry? Upscaler { get; init; }

    /// <summary>The control networks that go with it.</summary>
    public IReadOnlyList<ControlNetEntry> ControlNets { get; init; } = [];

    /// <summary>Motion adapter that makes clips of its pictures: folder or file, relative to the entry.</summary>
    public string? MotionAdapter { get; init; }

    /// <summary>
    /// Settings of the scheduler for clips from words, over the model's own, as scheduler_config.json has them: adapters are trained on
    /// schedules of their own, the published ones on {"beta_schedule": "linear", "timestep_spacing": "linspace", "clip_sample": false}.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement>? MotionScheduler { get; init; }

    /// <summary>Safety checker that looks at its outputs: folder, relative to the entry.</summary>
    public string? SafetyChecker { get; init; }

    /// <summary>CLIPSeg model that finds masks from words: folder, relative to the entry.</summary>
    public string? MaskFinder { get; init; }

    /// <summary>Other autoencoders that requests may name.</summary>
    public IReadOnlyList<PartEntry> Vaes { get; init; } = [];

    /// <summary>Name of the model that refines its pictures where a request asks for that and names none.</summary>
    public string? Refiner { get; init; }

    /// <summary>LoRAs that requests may name; the worker lists the files of its loras folder here.</summary>
    public IReadOnlyList<AdapterEntry> Loras { get; init; } = [];

    /// <summary>Textual inversions whose tokens prompts may have; the worker lists the files of its embeddings folder here.</summary>
    public IReadOnlyList<AdapterEntry> Embeddings { get; init; } = [];

    /// <summary>Whether its clips begin with a picture; else a motion adapter moves what words draw.</summary>
    [JsonIgnore]
    public bool ClipsFromPicture => MotionAdapter is null;

    /// <summary>Factor on the price of its jobs.</summary>
    public decimal PriceFactor { get; init; } = 1m;

    /// <summary>Its own prices, by kind, over those of the configuration.</summary>
    public IReadOnlyDictionary<string, KindPrice>? Prices { get; init; }

    /// <summary>Whether it only enlarges, by a network that needs no steps.</summary>
    [JsonIgnore]
    public bool IsPlainUpscaler => Scale is not null && MaxSteps <= 1;

    /// <summary>This entry as a worker registers it that lacks what a kind needs: the kind moves to those that are not to be had.</summary>
    public ModelEntry Without(JobKind kind, string reason) =>
        Kinds.Contains(kind)
            ? this with
            {
                Kinds = [.. Kinds.Where(k => k != kind)],
                UnavailableKinds = [.. UnavailableKinds, new UnavailableKind(kind, reason)],
            }
            : this;
}

/// <summary>What a model's files say that its jobs are planned by. Workers read it there and register it.</summary>
/// <param name="Scheduler">The model's own scheduler, as its scheduler_config.json has it, with its class.</param>
/// <param name="SeesMask">Whether its network is told of the mask when it paints inside one.</param>
/// <param name="PlainPrompts">Whether its prompts are plain text, in which weights and brackets are words.</param>
public sealed record NetworkFacts(JsonElement Scheduler, bool SeesMask, bool PlainPrompts = false);

/// <summary>A kind that a model does, but that no job may ask for now.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Reason">What its worker lacks and what to do about it, for people.</param>
public sealed record UnavailableKind(JobKind Kind, string Reason);
