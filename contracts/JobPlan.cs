using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// What is done for a job, decided once from its checked request and its model's entry: it is stored with the job and carried
/// to the worker. Price, limits, estimate, progress and the run itself read it and work nothing of it out again.
/// </summary>
public sealed record JobPlan
{
    /// <summary>The version of the plans that this program makes and follows.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The version of the plan; a worker of another version makes its own plan.</summary>
    public required int Version { get; init; }

    /// <summary>
    /// Whether the model's own scheduler was not known, because a worker of an earlier version has registered the model. Such a plan
    /// is good enough to price the job by; the worker, which has the model's files, plans anew.
    /// </summary>
    public bool IsAssumed { get; init; }

    /// <summary>How each picture or frame comes to its size; null where the network enlarges a given picture.</summary>
    public RenderPlan? Render { get; init; }

    /// <summary>The runs of a denoising network, in order, that each output takes; none where a network without steps does it.</summary>
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

    /// <summary>Whether a worker may follow it as it is.</summary>
    [JsonIgnore]
    public bool IsCurrent => Version == CurrentVersion && !IsAssumed;

    /// <summary>
    /// Steps that are run for one output, over its passes. A step is a call of the network, of which methods of second order make
    /// two for each of their steps.
    /// </summary>
    [JsonIgnore]
    public int Steps => Passes.Sum(pass => pass.Steps);

    /// <summary>Million pixels times <see cref="Steps"/>, over the passes and frames of one output.</summary>
    [JsonIgnore]
    public decimal MegapixelSteps => Passes.Sum(pass => Mega(pass.Width, pass.Height) * pass.Steps) * Frames;

    /// <summary>Million pixels of one output, over its frames.</summary>
    [JsonIgnore]
    public decimal OutputMegapixels => Mega(Width, Height) * Frames;

    /// <summary>
    /// The amount of work by which run times of a kind and model are compared: megapixel-steps, or megapixels where there are
    /// no steps.
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

    /// <summary>Class of the scheduler, as diffusers calls it: DDIMScheduler, FlowMatchEulerDiscreteScheduler, ...</summary>
    public required string Scheduler { get; init; }

    /// <summary>Steps of the whole schedule, num_inference_steps to the scheduler.</summary>
    public required int ScheduledSteps { get; init; }

    /// <summary>Share of the noise that the pass begins with: 1 is noise alone.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>Calls of the network that the whole schedule has.</summary>
    public required int Calls { get; init; }

    /// <summary>The first call that is made, from 0.</summary>
    public required int Begin { get; init; }

    /// <summary>The call after the last that is made.</summary>
    public required int End { get; init; }

    /// <summary>Name of the upscaler that enlarges what the pass before left; null: the Lanczos filter, or nothing is enlarged.</summary>
    public string? Upscaler { get; init; }

    /// <summary>Steps that are run: calls of the network.</summary>
    [JsonIgnore]
    public int Steps => End - Begin;
}

/// <summary>What a pass does to an output.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PassPurpose>))]
public enum PassPurpose
{
    /// <summary>Draws over noise or over a picture that was given.</summary>
    [JsonStringEnumMemberName("draw")]
    Draw = 0,

    /// <summary>Goes on with the unfinished latents of the pass before, by another model.</summary>
    [JsonStringEnumMemberName("refine")]
    Refine = 1,

    /// <summary>Draws over the enlarged picture of the pass before.</summary>
    [JsonStringEnumMemberName("redraw")]
    Redraw = 2,
}

/// <summary>
/// How a picture gets the size that is asked for: it is made directly where the network makes that size; else it is made in the
/// network's own area with the asked aspect, upscaled, cropped to the aspect and resized to the pixel.
/// </summary>
public sealed record RenderPlan
{
    /// <summary>Size at which the diffusion network works, in pixels.</summary>
    public required int GeneratedWidth { get; init; }

    public required int GeneratedHeight { get; init; }

    /// <summary>Of two passes, the size of the first, in pixels; null where there is one pass.</summary>
    public int? FirstWidth { get; init; }

    public int? FirstHeight { get; init; }

    /// <summary>Name of the upscaler that follows, or null.</summary>
    public string? Upscaler { get; init; }

    /// <summary>The upscaler's factor; 1 without one.</summary>
    public int Scale { get; init; } = 1;

    /// <summary>Whether the (upscaled) picture is then cropped and resized to the asked size.</summary>
    public required bool Resized { get; init; }
}
