namespace Generation.Diffusion.Pipelines;

/// <summary>Settings that only FLUX has.</summary>
public sealed record FluxOptions
{
    /// <summary>
    /// The scale of classifier-free guidance with a negative prompt, which doubles the work; 1 or less turns it off. GuidanceScale means
    /// something else in FLUX: a number that the network was distilled to take as an input.
    /// </summary>
    public double TrueCfgScale { get; init; } = 1;

    /// <summary>How many tokens of the prompt T5 reads, 1 to 512.</summary>
    public int MaxSequenceLength { get; init; } = 512;

    internal void Check()
    {
        if (!double.IsFinite(TrueCfgScale))
        {
            throw new SettingException("true_cfg_scale", $"is {TrueCfgScale} and must be a finite number.");
        }

        if (MaxSequenceLength is < 1 or > 512)
        {
            throw new SettingException("max_sequence_length", $"is {MaxSequenceLength} and must be from 1 to 512.");
        }
    }
}
