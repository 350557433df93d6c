using Generation.Diffusion.Networks;
using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>One control: a network, the picture that it reads, and when and how strongly it acts.</summary>
/// <param name="Image">Brought to the size of the pictures to make.</param>
public sealed record ControlInput(ControlNetModel Network, Picture Image)
{
    /// <summary>Multiplies what the network adds.</summary>
    public double ConditioningScale { get; init; } = 1;

    /// <summary>Shares of the steps between which the control acts, 0 to 1.</summary>
    public double GuidanceStart { get; init; }

    public double GuidanceEnd { get; init; } = 1;
}

/// <summary>Words to pictures, steered by control pictures.</summary>
public sealed record ControlNetSettings : DiffusionSettings
{
    public required IReadOnlyList<ControlInput> Controls { get; init; }

    /// <summary>
    /// The control acts on the prompted half of the guidance only, stronger in deeper layers, so that it also works without a prompt.
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
