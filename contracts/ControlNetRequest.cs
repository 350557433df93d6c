using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>Draws pictures from words, steered by control pictures. Zhang et al., Adding Conditional Control, 2023.</summary>
public sealed record ControlNetRequest : PictureRequest
{
    public ControlNetRequest() { }

    /// <summary>Has the common fields of <paramref name="common"/>; the fields of its own are to be set in the initializer.</summary>
    [SetsRequiredMembers]
    public ControlNetRequest(PictureRequest common, IReadOnlyList<ControlUse> control)
        : base(common) => Control = control;

    [JsonIgnore]
    public override JobKind Kind => JobKind.ControlNet;

    public required IReadOnlyList<ControlUse> Control { get; init; }

    /// <summary>The controls act on the prompted half of the guidance only, so that they also work without a prompt.</summary>
    public bool GuessMode { get; init; }

    public override ScheduleShare FirstPass(ModelEntry model) => ScheduleShare.Whole(NumInferenceSteps);
}

/// <summary>One control: a picture, the network that reads it, and when and how strongly it acts.</summary>
public sealed record ControlUse
{
    public required StoredPicture Image { get; init; }

    /// <summary>Type of the network, as the model's entry lists it: canny, depth, pose, ...</summary>
    public required string Type { get; init; }

    /// <summary>What is made of the picture before the network reads it: none, canny, invert, blur or tile.</summary>
    public string Preprocessor { get; init; } = "none";

    /// <summary>How the picture is brought to the output's size: crop, fit or stretch.</summary>
    public string ResizeMode { get; init; } = "crop";

    /// <summary>Multiplies what the network adds.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Share of the steps after which it begins to act, 0 to 1.</summary>
    public double Start { get; init; }

    /// <summary>Share of the steps after which it no longer acts, 0 to 1.</summary>
    public double End { get; init; } = 1;
}
