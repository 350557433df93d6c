using System.Numerics;
using System.Text.Json.Serialization;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>The configuration of <see cref="RRDBNet"/>, under the names of BasicSR.</summary>
public sealed record RRDBNetConfig : INetworkConfig
{
    /// <summary>The factor by which width and height grow: a power of two.</summary>
    public int Scale { get; init; } = 4;

    /// <summary>
    /// The factor by which the picture is first folded into channels (pixel unshuffle). Null for Real-ESRGAN's rule: 2 for scale 2, 4 for
    /// scale 1.
    /// </summary>
    public int? Shuffle { get; init; }

    public int NumInCh { get; init; } = 3;

    public int NumOutCh { get; init; } = 3;

    public int NumFeat { get; init; } = 64;

    public int NumBlock { get; init; } = 23;

    public int NumGrowCh { get; init; } = 32;

    /// <summary>The factor that the picture is folded by.</summary>
    [JsonIgnore]
    public int ShuffleFactor => Shuffle ?? (Scale is 1 or 2 ? 4 / Scale : 1);

    /// <summary>How many times the network doubles width and height.</summary>
    [JsonIgnore]
    public int Doublings => BitOperations.Log2((uint)(Scale * ShuffleFactor));

    /// <summary>Reads the sizes from the weights' shapes (under Real-ESRGAN's key names).</summary>
    /// <param name="weights">The root of the network's weights.</param>
    /// <exception cref="WeightsException">The keys that tell the sizes are missing.</exception>
    /// <exception cref="ConfigException">The first convolution fits no factor.</exception>
    public static RRDBNetConfig FromWeights(NetworkWeights weights)
    {
        long[] first = weights.ShapeOf("conv_first.weight");
        int channels = (int)weights.ShapeOf("conv_last.weight")[0];
        // A first convolution that sees 4 or 16 times the picture's channels sees it folded
        int shuffle = (first[1] / (double)channels) switch
        {
            4 => 2,
            16 => 4,
            _ => 1,
        };
        int doublings = Enumerable.Range(1, 8).TakeWhile(i => weights.Has($"conv_up{i}.weight")).Count();
        ConfigCheck.Require(
            1 << doublings >= shuffle,
            "conv_first.weight",
            first[1],
            $"has more input channels than {doublings} doublings undo"
        );
        int scale = (1 << doublings) / shuffle;
        return new RRDBNetConfig
        {
            NumInCh = (int)first[1] / (shuffle * shuffle),
            NumOutCh = channels,
            NumFeat = (int)first[0],
            NumBlock = weights["body"].Count(),
            NumGrowCh = (int)weights.ShapeOf("body.0.rdb1.conv1.weight")[0],
            Scale = scale,
            // Said only where it is not the rule, so that this equals the config of the same network
            Shuffle = new RRDBNetConfig { Scale = scale }.ShuffleFactor == shuffle ? null : shuffle,
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        ConfigCheck.Require(Scale > 0 && BitOperations.IsPow2(Scale), "scale", Scale, "must be a power of two");
        ConfigCheck.Require(ShuffleFactor is 1 or 2 or 4, "shuffle", ShuffleFactor, "must be 1, 2 or 4");
        ConfigCheck.Positive("num_in_ch", NumInCh);
        ConfigCheck.Positive("num_out_ch", NumOutCh);
        ConfigCheck.Positive("num_feat", NumFeat);
        ConfigCheck.Positive("num_block", NumBlock);
        ConfigCheck.Positive("num_grow_ch", NumGrowCh);
    }
}
