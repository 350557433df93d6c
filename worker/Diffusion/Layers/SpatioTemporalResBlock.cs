using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Layers;

/// <summary>A residual block in each frame, one along the frames, and a blend of the two (https://arxiv.org/abs/2311.15127).</summary>
internal sealed class SpatioTemporalResBlock
{
    /// <summary>
    /// The number of groups of the group norms in video networks, which the reference implementation has whatever the config says.
    /// </summary>
    public const int Groups = 32;

    private readonly ResnetBlock2D _spatial;
    private readonly TemporalResnetBlock _temporal;
    private readonly TimeMixer _mixer;

    /// <param name="timeEmbedDim">The size of the time embedding; null for none.</param>
    /// <param name="switched">See <see cref="TimeMixer"/>.</param>
    public SpatioTemporalResBlock(
        NetworkWeights w,
        int inChannels,
        int outChannels,
        int? timeEmbedDim,
        double eps,
        double temporalEps,
        bool switched = false
    )
    {
        _spatial = new ResnetBlock2D(
            w["spatial_res_block"],
            inChannels,
            outChannels,
            new ResnetOptions(timeEmbedDim, Groups, eps, Activation.Silu)
        );
        _temporal = new TemporalResnetBlock(w["temporal_res_block"], outChannels, timeEmbedDim, temporalEps);
        _mixer = new TimeMixer(w["time_mixer"], switched);
    }

    /// <param name="x">(batch * frames, in channels, height, width)</param>
    /// <param name="activatedTime">(batch * frames, size)</param>
    public Tensor Forward(Tensor x, Tensor? activatedTime, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor spatial = FrameMap.ToVideo(_spatial.Forward(x, activatedTime), frames);
        Tensor mixed = _mixer.Forward(spatial, _temporal.Forward(spatial, activatedTime, frames));
        return FrameMap.FromVideo(mixed, x.shape[2], x.shape[3]).MoveToOuterDisposeScope();
    }
}

/// <summary>A residual block whose convolutions run along the frames.</summary>
internal sealed class TemporalResnetBlock
{
    private readonly GroupNorm _norm1;
    private readonly TemporalConv _conv1;
    private readonly Linear? _timeEmbProj;
    private readonly GroupNorm _norm2;
    private readonly TemporalConv _conv2;

    public TemporalResnetBlock(NetworkWeights w, int channels, int? timeEmbedDim, double eps)
    {
        _norm1 = new GroupNorm(w["norm1"], SpatioTemporalResBlock.Groups, channels, eps);
        _conv1 = new TemporalConv(w["conv1"], channels, channels);
        _timeEmbProj = timeEmbedDim is int size ? new Linear(w["time_emb_proj"], size, channels) : null;
        _norm2 = new GroupNorm(w["norm2"], SpatioTemporalResBlock.Groups, channels, eps);
        _conv2 = new TemporalConv(w["conv2"], channels, channels);
    }

    /// <param name="x">(batch, channels, frames, positions)</param>
    /// <param name="activatedTime">(batch * frames, size)</param>
    public Tensor Forward(Tensor x, Tensor? activatedTime, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _conv1.Forward(_norm1.Forward(x, Activation.Silu));
        if (_timeEmbProj is not null)
        {
            // (b*f, c) -> (b, c, f, 1)
            Tensor time = _timeEmbProj.Forward(activatedTime!);
            h = h.add_(time.view(time.shape[0] / frames, frames, time.shape[1]).permute(0, 2, 1).unsqueeze(-1));
        }
        h = _conv2.Forward(_norm2.Forward(h, Activation.Silu));
        return h.add_(x).MoveToOuterDisposeScope();
    }
}

/// <summary>A convolution along the frames of a video, stored as a three-dimensional one with kernel (3, 1, 1).</summary>
public sealed class TemporalConv
{
    private static readonly long[] Stride = [1, 1];
    private static readonly long[] Padding = [1, 0];

    private readonly Parameter _weight;
    private readonly Parameter _bias;

    public TemporalConv(NetworkWeights w, long inChannels, long outChannels)
    {
        _weight = w.Take("weight", outChannels, inChannels, 3, 1, 1);
        _bias = w.Take("bias", outChannels);
    }

    /// <param name="x">(batch, in channels, frames, positions)</param>
    /// <returns>(batch, out channels, frames, positions)</returns>
    public Tensor Forward(Tensor x)
    {
        using Tensor kernel = _weight.Value.squeeze(-1);
        return F.conv2d(x, kernel, _bias.Value, Stride, Padding);
    }
}

/// <summary>A learned blend of the result in each frame and the result along the frames.</summary>
internal sealed class TimeMixer
{
    private readonly Parameter _mixFactor;
    private readonly bool _switched;

    /// <param name="switched">Whether the factor weighs the temporal part and not the spatial one, as in the decoders of videos.</param>
    public TimeMixer(NetworkWeights w, bool switched = false)
    {
        _mixFactor = w.Take("mix_factor", 1);
        _switched = switched;
    }

    public Tensor Forward(Tensor spatial, Tensor temporal)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor factor = torch.sigmoid(_mixFactor.Value);
        Tensor weight = _switched ? 1 - factor : factor;
        return (weight * spatial + (1 - weight) * temporal).MoveToOuterDisposeScope();
    }
}
