namespace Generation.Diffusion.Pipelines;

/// <summary>What FLUX has beyond other families.</summary>
public sealed record FluxOptions
{
    /// <summary>
    /// Classifier-free guidance with a negative prompt, at twice the work; 1 or less turns it off. GuidanceScale is
    /// another thing there: a number that the network was distilled to take.
    /// </summary>
    public double TrueCfgScale { get; init; } = 1;

    /// <summary>Tokens of the prompt that T5 reads, 1 to 512.</summary>
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
