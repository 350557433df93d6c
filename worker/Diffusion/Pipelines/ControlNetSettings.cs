using Generation.Diffusion.Networks;
using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>One control: a network, its control picture, and when and how strongly it is applied.</summary>
/// <param name="Image">The control picture, which is resized to the size of the pictures to make.</param>
public sealed record ControlInput(ControlNetModel Network, Picture Image)
{
    /// <summary>A factor that the network's residuals are multiplied by.</summary>
    public double ConditioningScale { get; init; } = 1;

    /// <summary>
    /// The share of the steps, 0 to 1, after which the control is applied; <see cref="GuidanceEnd"/> is the share after which it is no
    /// longer applied.
    /// </summary>
    public double GuidanceStart { get; init; }

    public double GuidanceEnd { get; init; } = 1;
}

/// <summary>Settings for generating pictures from a prompt, guided by control pictures.</summary>
public sealed record ControlNetSettings : DiffusionSettings
{
    public required IReadOnlyList<ControlInput> Controls { get; init; }

    /// <summary>
    /// Whether the control is applied to the prompted half of the guidance only, and more strongly in deeper layers, so that it also works
    /// without a prompt.
    /// </summary>
    public bool GuessMode { get; init; }

    public override void Check()
    {
        base.Check();
        if (Controls.Count == 0)
        {
            throw new SettingException("control", "the list is empty and at least one control picture must be given.");
        }

        foreach (ControlInput control in Controls)
        {
            CheckFinite("control.scale", control.ConditioningScale);
            CheckRange("control.start", control.GuidanceStart, 0, 1);
            CheckRange("control.end", control.GuidanceEnd, 0, 1);
            if (control.GuidanceStart >= control.GuidanceEnd)
            {
                throw new SettingException(
                    "control.start",
                    $"is {control.GuidanceStart} and must be below control.end, which is {control.GuidanceEnd}."
                );
            }
        }
    }
}
