using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>
/// The large upscaler network of Real-ESRGAN (https://arxiv.org/abs/2107.10833, https://arxiv.org/abs/1809.00219). Its sizes are read from
/// the weights' shapes. It takes the key names of Real-ESRGAN; see <see cref="RRDBNetKeys"/> for those of ESRGAN.
/// </summary>
public sealed class RRDBNet : Network, IUpscalerNetwork
{
    private readonly Conv2d _convFirst;
    private readonly ResidualInResidual[] _body;
    private readonly Conv2d _convBody;
    private readonly Conv2d[] _convUps;
    private readonly Conv2d _convHr;
    private readonly Conv2d _convLast;
    private readonly int _unshuffle;

    /// <exception cref="WeightsException">The weights are not those of an RRDBNet.</exception>
    public RRDBNet(RRDBNetConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        int features = config.NumFeat;
        _unshuffle = config.ShuffleFactor;
        _convFirst = new Conv2d(weights["conv_first"], config.NumInCh * _unshuffle * _unshuffle, features);
        _body =
        [
            .. Enumerable.Range(0, config.NumBlock).Select(i => new ResidualInResidual(weights["body"][i], features, config.NumGrowCh)),
        ];
        _convBody = new Conv2d(weights["conv_body"], features, features);
        _convUps = [.. Enumerable.Range(1, config.Doublings).Select(i => new Conv2d(weights[$"conv_up{i}"], features, features))];
        _convHr = new Conv2d(weights["conv_hr"], features, features);
        _convLast = new Conv2d(weights["conv_last"], features, config.NumOutCh);
        Finish(weights);
    }

    public RRDBNetConfig Config { get; }

    /// <inheritdoc/>
    public int Scale => Config.Scale;

    /// <inheritdoc/>
    public int Reach
    {
        get
        {
            // Convolutions of 3 see one further each: the first, fifteen in a block, the body's; then on maps twice as large at a time
            double reach =
                2
                + (15 * Config.NumBlock)
                + Enumerable.Range(1, Config.Doublings).Sum(i => Math.Pow(0.5, i))
                + (2 * Math.Pow(0.5, Config.Doublings));
            return (int)Math.Ceiling(reach) * _unshuffle;
        }
    }

    /// <inheritdoc/>
    public int Multiple => _unshuffle;

    /// <inheritdoc/>
    public long ValuesPerPixel => (long)Scale * Scale * Config.NumFeat;

    /// <inheritdoc/>
    public Tensor Forward(Tensor image)
    {
        using DisposeScope scope = NewDisposeScope();
        long height = image.shape[2],
            width = image.shape[3];
        Tensor x = ToOwn(image);
        if (_unshuffle > 1)
        {
            x = F.pixel_unshuffle(PadToMultiple(x, _unshuffle), _unshuffle);
        }
        Tensor h = _convFirst.Forward(TorchExtras.channels_last(x));
        Tensor body = h.alias();
        foreach (ResidualInResidual block in _body)
        {
            Scoped.Swap(ref body, block.Forward(body));
        }
        Scoped.Swap(ref h, h + _convBody.Forward(body));
        body.Dispose();
        foreach (Conv2d convUp in _convUps)
        {
            Scoped.Swap(ref h, Activate(convUp, Twice(h)));
        }
        Scoped.Swap(ref h, Activate(_convHr, h.alias()));
        Scoped.Swap(ref h, _convLast.Forward(h));
        return ToCaller(h.narrow(2, 0, height * Scale).narrow(3, 0, width * Scale), image).MoveToOuterDisposeScope();
    }

    private static Tensor Twice(Tensor x) => Upsample2D.Nearest(x, (x.shape[2] * 2, x.shape[3] * 2));

    private static Tensor Activate(Conv2d conv, Tensor x)
    {
        Tensor h = conv.Forward(x);
        x.Dispose();
        return F.leaky_relu(h, 0.2, inplace: true);
    }

    /// <summary>
    /// Pads the right and lower edges with their mirror image, so that <paramref name="multiple"/> divides height and width.
    /// </summary>
    private static Tensor PadToMultiple(Tensor x, long multiple)
    {
        long right = (multiple - x.shape[3] % multiple) % multiple,
            below = (multiple - x.shape[2] % multiple) % multiple;
        return right == 0 && below == 0 ? x : F.pad(x, [0, right, 0, below], PaddingModes.Reflect);
    }

    /// <summary>Three dense blocks; their sum is scaled by 0.2 and added to the input.</summary>
    private sealed class ResidualInResidual
    {
        private readonly DenseBlock[] _blocks;

        public ResidualInResidual(NetworkWeights w, int features, int grow) =>
            _blocks = [.. Enumerable.Range(1, 3).Select(i => new DenseBlock(w[$"rdb{i}"], features, grow))];

        public Tensor Forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor h = _blocks[0].Forward(x);
            Scoped.Swap(ref h, _blocks[1].Forward(h));
            Scoped.Swap(ref h, _blocks[2].Forward(h));
            return (h * 0.2 + x).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Five convolutions, each of which takes the outputs of all before it.</summary>
    private sealed class DenseBlock
    {
        private readonly Conv2d[] _convs;

        public DenseBlock(NetworkWeights w, int features, int grow) =>
            _convs = [.. Enumerable.Range(0, 5).Select(i => new Conv2d(w[$"conv{i + 1}"], features + i * grow, i == 4 ? features : grow))];

        public Tensor Forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            var seen = new List<Tensor> { x };
            for (int i = 0; i < 4; i++)
            {
                using Tensor joined = torch.cat(seen, 1);
                seen.Add(F.leaky_relu(_convs[i].Forward(joined), 0.2, inplace: true));
            }
            Tensor last = _convs[4].Forward(torch.cat(seen, 1));
            return (last * 0.2 + x).MoveToOuterDisposeScope();
        }
    }
}
