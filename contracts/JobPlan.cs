using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// What is done for a job, decided once from its checked request and its model's entry. It is stored with the job and carried to the
/// worker. Price, limits, estimate, progress and the run itself read it and compute nothing of it again.
/// </summary>
public sealed record JobPlan
{
    /// <summary>The version of the plans that this program makes and follows.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The version of the plan; a worker of another version makes its own plan.</summary>
    public required int Version { get; init; }

    /// <summary>
    /// Whether the model's own scheduler was not known, because a worker of an earlier version has registered the model. Such a plan is
    /// good enough for the price; the worker, which has the model's files, makes its own.
    /// </summary>
    public bool IsAssumed { get; init; }

    /// <summary>How each picture or frame gets its size; null where the network enlarges a given picture.</summary>
    public RenderPlan? Render { get; init; }

    /// <summary>The runs of a denoising network that each output takes, in order; empty where a network without steps makes it.</summary>
    public required IReadOnlyList<PlannedPass> Passes { get; init; }

    /// <summary>Size of an output, in pixels.</summary>
    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>Number of frames of an output; a picture has 1.</summary>
    public int Frames { get; init; } = 1;

    /// <summary>How many outputs there are.</summary>
    public int Outputs { get; init; } = 1;

    /// <summary>What of the request is not done as it may have been meant, for people; null where there is nothing.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>The same for programs, one for each warning, in their order.</summary>
    public IReadOnlyList<Notice>? WarningNotices { get; init; }

    /// <summary>Whether a worker of this version can follow the plan as it is.</summary>
    [JsonIgnore]
    public bool IsCurrent => Version == CurrentVersion && !IsAssumed;

    /// <summary>
    /// How many steps are run for one output, over its passes. A step is a call of the network; methods of second order call it twice for
    /// each of their steps.
    /// </summary>
    [JsonIgnore]
    public int Steps => Passes.Sum(pass => pass.Steps);

    /// <summary>The number of million pixels times <see cref="Steps"/>, over the passes and frames of one output.</summary>
    [JsonIgnore]
    public decimal MegapixelSteps => Passes.Sum(pass => Mega(pass.Width, pass.Height) * pass.Steps) * Frames;

    /// <summary>The number of million pixels of one output, over its frames.</summary>
    [JsonIgnore]
    public decimal OutputMegapixels => Mega(Width, Height) * Frames;

    /// <summary>
    /// The amount of work by which run times of a kind and model are compared: megapixel-steps, or megapixels where there are no steps.
    /// </summary>
    [JsonIgnore]
    public double Work => (double)((MegapixelSteps > 0 ? MegapixelSteps : OutputMegapixels) * Outputs);

    private static decimal Mega(int width, int height) => (decimal)width * height / 1_000_000m;
}

/// <summary>One run of a denoising network over an output.</summary>
public sealed record PlannedPass
{
    public required PassPurpose Purpose { get; init; }

    /// <summary>Name of the model that runs.</summary>
    public required string Model { get; init; }

    /// <summary>Size at which the network works, in pixels.</summary>
    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>The class of the scheduler in diffusers: DDIMScheduler, FlowMatchEulerDiscreteScheduler, ...</summary>
    public required string Scheduler { get; init; }

    /// <summary>The number of steps of the whole schedule, num_inference_steps of the scheduler.</summary>
    public required int ScheduledSteps { get; init; }

    /// <summary>The share of the noise that the pass begins with: 1 is noise alone.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>How many calls of the network the whole schedule has.</summary>
    public required int Calls { get; init; }

    /// <summary>The index of the first call that is made, from 0.</summary>
    public required int Begin { get; init; }

    /// <summary>The index after the last call that is made.</summary>
    public required int End { get; init; }

    /// <summary>
    /// The name of the upscaler that enlarges the result of the pass before; null where the Lanczos filter does, or nothing is enlarged.
    /// </summary>
    public string? Upscaler { get; init; }

    /// <summary>How many steps are run, which are calls of the network.</summary>
    [JsonIgnore]
    public int Steps => End - Begin;
}

/// <summary>What a pass does to an output.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PassPurpose>))]
public enum PassPurpose
{
    /// <summary>Draws from noise or from a given picture.</summary>
    [JsonStringEnumMemberName("draw")]
    Draw = 0,

    /// <summary>Continues with the unfinished latents of the pass before, with another model.</summary>
    [JsonStringEnumMemberName("refine")]
    Refine = 1,

    /// <summary>Draws over the enlarged picture of the pass before.</summary>
    [JsonStringEnumMemberName("redraw")]
    Redraw = 2,
}

/// <summary>
/// How a picture gets the requested size. It is made in that size where the network can; otherwise it is made in the network's native area
/// with the requested aspect ratio, upscaled, cropped and resized to the exact size.
/// </summary>
public sealed record RenderPlan
{
    /// <summary>Size at which the diffusion network works, in pixels.</summary>
    public required int GeneratedWidth { get; init; }

    public required int GeneratedHeight { get; init; }

    /// <summary>The size of the first of two passes, in pixels; null where there is one pass.</summary>
    public int? FirstWidth { get; init; }

    public int? FirstHeight { get; init; }

    /// <summary>Name of the upscaler that follows, or null.</summary>
    public string? Upscaler { get; init; }

    /// <summary>The upscaler's factor; 1 without one.</summary>
    public int Scale { get; init; } = 1;

    /// <summary>Whether the (upscaled) picture is then cropped and resized to the requested size.</summary>
    public required bool Resized { get; init; }
}
