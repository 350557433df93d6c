namespace Generation.Diffusion.Networks;

/// <summary>What <see cref="RRDBNet"/> is built from, under the names of BasicSR.</summary>
public sealed record RRDBNetConfig : INetworkConfig
{
    /// <summary>1, 2 or 4.</summary>
    public int Scale { get; init; } = 4;

    public int NumInCh { get; init; } = 3;

    public int NumOutCh { get; init; } = 3;

    public int NumFeat { get; init; } = 64;

    public int NumBlock { get; init; } = 23;

    public int NumGrowCh { get; init; } = 32;

    /// <summary>Reads the sizes off the weights' shapes (under Real-ESRGAN's key names).</summary>
    /// <param name="weights">The network's root.</param>
    /// <param name="inChannels">Channels of the pictures; the first convolution has 4 or 16 times as many for factors 2 and 1.</param>
    /// <exception cref="WeightsException">The keys that tell are missing.</exception>
    /// <exception cref="ConfigException">The first convolution fits no factor.</exception>
    public static RRDBNetConfig FromWeights(Weights weights, int inChannels = 3)
    {
        long[] first = weights.ShapeOf("conv_first.weight");
        return new RRDBNetConfig
        {
            NumInCh = inChannels,
            NumOutCh = (int)weights.ShapeOf("conv_last.weight")[0],
            NumFeat = (int)first[0],
            NumBlock = weights["body"].Count(),
            NumGrowCh = (int)weights.ShapeOf("body.0.rdb1.conv1.weight")[0],
            Scale = (first[1] / (double)inChannels) switch
            {
                1 => 4,
                4 => 2,
                16 => 1,
                _ => throw new ConfigException($"conv_first.weight has {first[1]} input channels; pictures of {inChannels} channels need {inChannels}, {4 * inChannels} or {16 * inChannels} (factors 4, 2, 1)"),
            },
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        ConfigCheck.Require(Scale is 1 or 2 or 4, "scale", Scale, "must be 1, 2 or 4");
        ConfigCheck.Positive("num_in_ch", NumInCh);
        ConfigCheck.Positive("num_out_ch", NumOutCh);
        ConfigCheck.Positive("num_feat", NumFeat);
        ConfigCheck.Positive("num_block", NumBlock);
        ConfigCheck.Positive("num_grow_ch", NumGrowCh);
    }
}
