using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Networks;

/// <summary>
/// A small autoencoder for the latent space of a large one (https://github.com/madebyollin/taesd), for quick pictures and previews.
/// </summary>
public sealed class AutoencoderTiny : Network
{
    // tanh(x / 3) * 3 keeps latents within what the decoder knows
    private const double LatentLimit = 3;

    private readonly Func<Tensor, Tensor>[] _encoder;
    private readonly Func<Tensor, Tensor>[] _decoder;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public AutoencoderTiny(AutoencoderTinyConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        _encoder = Encoder(weights["encoder"]["layers"], config);
        _decoder = Decoder(weights["decoder"]["layers"], config);
        Finish(weights);
    }

    public AutoencoderTinyConfig Config { get; }

    /// <param name="image">(batch, 3, height, width) in -1..1</param>
    /// <returns>(batch, latent channels, height / downscale, width / downscale), in the type of <paramref name="image"/></returns>
    public Tensor Encode(Tensor image)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last((ToOwn(image) + 1) / 2);
        return ToCaller(Run(_encoder, x), image).MoveToOuterDisposeScope();
    }

    /// <param name="latents">(batch, latent channels, height, width), scaled as the denoiser's are</param>
    /// <returns>(batch, 3, height * downscale, width * downscale), about -1..1, in the type of <paramref name="latents"/></returns>
    public Tensor Decode(Tensor latents)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(torch.tanh(ToOwn(latents) / LatentLimit) * LatentLimit);
        return ToCaller(Run(_decoder, x) * 2 - 1, latents).MoveToOuterDisposeScope();
    }

    // Members of the reference's sequences are counted with their activations and enlargements, hence the indices
    private static Func<Tensor, Tensor>[] Encoder(NetworkWeights layers, AutoencoderTinyConfig config)
    {
        List<Func<Tensor, Tensor>> run = [];
        for (int block = 0; block < config.NumEncoderBlocks.Count; block++)
        {
            int channels = config.EncoderBlockOutChannels[block];
            run.Add(
                block == 0
                    ? new Conv2d(layers[run.Count], config.InChannels, channels).Forward
                    : new Conv2d(layers[run.Count], channels, channels, stride: 2, bias: false).Forward
            );
            for (int i = 0; i < config.NumEncoderBlocks[block]; i++)
            {
                run.Add(new Block(layers[run.Count], channels, config.ActFn).Forward);
            }
        }
        run.Add(new Conv2d(layers[run.Count], config.EncoderBlockOutChannels[^1], config.LatentChannels).Forward);
        return [.. run];
    }

    private static Func<Tensor, Tensor>[] Decoder(NetworkWeights layers, AutoencoderTinyConfig config)
    {
        List<Func<Tensor, Tensor>> run =
        [
            new Conv2d(layers[0], config.LatentChannels, config.DecoderBlockOutChannels[0]).Forward,
            x => config.ActFn.Apply(x),
        ];
        int factor = config.UpsamplingScalingFactor;
        for (int block = 0; block < config.NumDecoderBlocks.Count; block++)
        {
            int channels = config.DecoderBlockOutChannels[block];
            bool last = block == config.NumDecoderBlocks.Count - 1;
            for (int i = 0; i < config.NumDecoderBlocks[block]; i++)
            {
                run.Add(new Block(layers[run.Count], channels, config.ActFn).Forward);
            }
            if (!last)
            {
                run.Add(x => Upsample2D.Nearest(x, (x.shape[2] * factor, x.shape[3] * factor)));
            }
            run.Add(new Conv2d(layers[run.Count], channels, last ? config.OutChannels : channels, bias: last).Forward);
        }
        return [.. run];
    }

    private static Tensor Run(Func<Tensor, Tensor>[] layers, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = layers[0](x);
        foreach (Func<Tensor, Tensor> layer in layers.AsSpan(1))
        {
            Scoped.Swap(ref h, layer(h));
        }
        return h.MoveToOuterDisposeScope();
    }

    /// <summary>Three convolutions with activations between, added to the input.</summary>
    private sealed class Block(NetworkWeights w, int channels, Activation activation)
    {
        private readonly Conv2d _conv0 = new(w["conv"][0], channels, channels);
        private readonly Conv2d _conv2 = new(w["conv"][2], channels, channels);
        private readonly Conv2d _conv4 = new(w["conv"][4], channels, channels);

        public Tensor Forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor h = activation.Apply(_conv0.Forward(x));
            h = activation.Apply(_conv2.Forward(h));
            h = _conv4.Forward(h);
            return F.relu(h.add_(x)).MoveToOuterDisposeScope();
        }
    }
}
