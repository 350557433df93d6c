using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>The options that the residual blocks of one network share.</summary>
/// <param name="TimeEmbedDim">The size of the time embedding; null where the blocks take none.</param>
/// <param name="OutputScale">What the sum of input and result is divided by.</param>
public sealed record ResnetOptions(
    int? TimeEmbedDim,
    int Groups,
    double Eps,
    Activation Activation,
    bool ScaleShift = false,
    double OutputScale = 1
);

/// <summary>
/// A residual block: norm, activation and convolution, twice. The time embedding is added in between, and the input at the end.
/// </summary>
public sealed class ResnetBlock2D
{
    private readonly GroupNorm _norm1;
    private readonly Conv2d _conv1;
    private readonly Linear? _timeEmbProj;
    private readonly GroupNorm _norm2;
    private readonly Conv2d _conv2;
    private readonly Conv2d? _convShortcut;
    private readonly ResnetOptions _options;

    public ResnetBlock2D(NetworkWeights w, int inChannels, int outChannels, ResnetOptions options)
    {
        _options = options;
        _norm1 = new GroupNorm(w["norm1"], options.Groups, inChannels, options.Eps);
        _conv1 = new Conv2d(w["conv1"], inChannels, outChannels);
        _timeEmbProj = options.TimeEmbedDim is int size
            ? new Linear(w["time_emb_proj"], size, options.ScaleShift ? outChannels * 2 : outChannels)
            : null;
        _norm2 = new GroupNorm(w["norm2"], options.Groups, outChannels, options.Eps);
        _conv2 = new Conv2d(w["conv2"], outChannels, outChannels);
        _convShortcut = inChannels == outChannels ? null : new Conv2d(w["conv_shortcut"], inChannels, outChannels, kernel: 1);
    }

    /// <param name="x">(batch, in channels, height, width)</param>
    /// <param name="activatedTime">The time embedding after its activation, (batch, size); null for blocks that take none.</param>
    /// <returns>(batch, out channels, height, width)</returns>
    public Tensor Forward(Tensor x, Tensor? activatedTime = null) => Forward(x, activatedTime, statistics: null);

    /// <summary>The same, with the norms' statistics of a larger map than <paramref name="x"/>; null for its own.</summary>
    internal Tensor Forward(Tensor x, Tensor? activatedTime, NormStatistics? statistics)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _norm1.Forward(x, _options.Activation, statistics);
        Scoped.Swap(ref h, _conv1.Forward(h));
        Tensor? time = _timeEmbProj?.Forward(activatedTime!);
        if (_options.ScaleShift && time is not null)
        {
            Tensor[] scaleAndShift = time.unsqueeze(-1).unsqueeze(-1).chunk(2, 1);
            Scoped.Swap(ref h, _norm2.Forward(h));
            Scoped.Swap(ref h, h * (scaleAndShift[0] + 1) + scaleAndShift[1]);
            Scoped.Swap(ref h, _options.Activation.Apply(h));
        }
        else
        {
            // the statistics of a larger map hold for the sum with the time embedding
            Tensor? spread = time?.expand(h.shape[0], time.shape[1]);
            if (statistics is not null && spread is not null)
            {
                h = h.add_(spread.unsqueeze(-1).unsqueeze(-1));
            }
            Scoped.Swap(
                ref h,
                statistics is null ? _norm2.Forward(h, _options.Activation, spread) : _norm2.Forward(h, _options.Activation, statistics)
            );
        }
        Scoped.Swap(
            ref h,
            _convShortcut is null ? _conv2.Forward(h, added: x) : _conv2.Forward(h, added: _convShortcut.Forward(x), inPlace: true)
        );
        if (_options.OutputScale != 1)
        {
            h = h.div_(_options.OutputScale);
        }
        return h.MoveToOuterDisposeScope();
    }
}
