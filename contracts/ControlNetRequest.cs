using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A request for pictures from a prompt, guided by control pictures. Zhang et al., Adding Conditional Control, 2023.</summary>
public sealed record ControlNetRequest : PictureRequest
{
    public ControlNetRequest() { }

    /// <summary>Takes the common fields of <paramref name="common"/>; the fields of this class are set in the initializer.</summary>
    [SetsRequiredMembers]
    public ControlNetRequest(PictureRequest common, IReadOnlyList<ControlUse> control)
        : base(common) => Control = control;

    [JsonIgnore]
    public override JobKind Kind => JobKind.ControlNet;

    public required IReadOnlyList<ControlUse> Control { get; init; }

    /// <summary>
    /// Whether the controls are applied to the prompted half of the guidance only, so that they also work without a prompt.
    /// </summary>
    public bool GuessMode { get; init; }

    public override ScheduleShare FirstPass(ModelEntry model) => ScheduleShare.Whole(NumInferenceSteps);
}

/// <summary>One control: a control picture, the network that reads it, and when and how strongly it is applied.</summary>
public sealed record ControlUse
{
    public required StoredPicture Image { get; init; }

    /// <summary>The type of the network, as the model's entry lists it: canny, depth, pose, ...</summary>
    public required string Type { get; init; }

    /// <summary>The preprocessing of the picture: none, canny, invert, blur or tile.</summary>
    public string Preprocessor { get; init; } = "none";

    /// <summary>How the picture is resized to the output's size: crop, fit or stretch.</summary>
    public string ResizeMode { get; init; } = "crop";

    /// <summary>A factor that the network's residuals are multiplied by.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The share of the steps after which the control is applied, 0 to 1.</summary>
    public double Start { get; init; }

    /// <summary>The share of the steps after which the control is no longer applied, 0 to 1.</summary>
    public double End { get; init; } = 1;
}
