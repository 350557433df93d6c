using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// The network of FLUX (https://github.com/black-forest-labs/flux), which predicts the velocity of packed latents. schnell, dev (guidance
/// as an input) and Fill (masked picture and mask beside the latents) differ by <see cref="FluxConfig"/> only.
/// </summary>
public sealed class FluxTransformer2DModel : Network
{
    // Times and guidance scales are embedded as numbers of this size, whose sinusoids have this many values
    private const double TimeScale = 1000;
    private const int TimeChannels = 256;

    private readonly Timesteps _timeProj = new(TimeChannels, FlipSinToCos: true, FreqShift: 0);
    private readonly RotaryEmbedding _rotary;
    private readonly TimestepEmbedding _timestepEmbedder;
    private readonly TimestepEmbedding? _guidanceEmbedder;
    private readonly TimestepEmbedding _textEmbedder;
    private readonly Linear _contextEmbedder;
    private readonly Linear _xEmbedder;
    private readonly FluxTransformerBlock[] _transformerBlocks;
    private readonly FluxSingleTransformerBlock[] _singleTransformerBlocks;
    private readonly AdaLayerNorm _normOut;
    private readonly Linear _projOut;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public FluxTransformer2DModel(FluxConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        int inner = config.InnerDim;
        NetworkWeights embed = weights["time_text_embed"];
        _rotary = new RotaryEmbedding(config.AxesDimsRope);
        _timestepEmbedder = new TimestepEmbedding(embed["timestep_embedder"], TimeChannels, inner);
        _guidanceEmbedder = config.GuidanceEmbeds ? new TimestepEmbedding(embed["guidance_embedder"], TimeChannels, inner) : null;
        _textEmbedder = new TimestepEmbedding(embed["text_embedder"], config.PooledProjectionDim, inner);
        _contextEmbedder = new Linear(weights["context_embedder"], config.JointAttentionDim, inner);
        _xEmbedder = new Linear(weights["x_embedder"], config.InChannels, inner);
        _transformerBlocks =
        [
            .. Enumerable.Range(0, config.NumLayers).Select(i => new FluxTransformerBlock(weights["transformer_blocks"][i], config)),
        ];
        _singleTransformerBlocks =
        [
            .. Enumerable
                .Range(0, config.NumSingleLayers)
                .Select(i => new FluxSingleTransformerBlock(weights["single_transformer_blocks"][i], config)),
        ];
        _normOut = new AdaLayerNorm(weights["norm_out"], inner, chunks: 2);
        _projOut = new Linear(weights["proj_out"], inner, config.OutChannels ?? config.InChannels);
        Finish(weights);
    }

    public FluxConfig Config { get; }

    /// <summary>Predicts for one time and one guidance scale for the whole batch.</summary>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor?)"/>
    public Tensor Forward(
        Tensor hiddenStates,
        double timestep,
        Tensor encoderHiddenStates,
        Tensor pooledProjections,
        Tensor txtIds,
        Tensor imgIds,
        double? guidance = null
    )
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor time = torch.tensor(timestep, dtype: ScalarType.Float32, device: hiddenStates.device);
        Tensor? scale = guidance is double value ? torch.tensor(value, dtype: ScalarType.Float32, device: hiddenStates.device) : null;
        return Forward(hiddenStates, time, encoderHiddenStates, pooledProjections, txtIds, imgIds, scale).MoveToOuterDisposeScope();
    }

    /// <summary>Predicts for a time and a guidance scale per sample.</summary>
    /// <param name="hiddenStates">
    /// (batch, picture length, in channels): packed 2x2 patches of latents, and for Fill what is beside them
    /// </param>
    /// <param name="timestep">(batch), or one number for all: sigma in 0..1</param>
    /// <param name="encoderHiddenStates">(batch, text length, joint_attention_dim): T5's states</param>
    /// <param name="pooledProjections">(batch, pooled_projection_dim): CLIP's pooled state</param>
    /// <param name="txtIds">(text length, 3): zeros</param>
    /// <param name="imgIds">(picture length, 3): 0, row and column of each patch</param>
    /// <param name="guidance">(batch), or one number for all, for networks that take it</param>
    /// <returns>(batch, picture length, out channels) in the type of <paramref name="hiddenStates"/></returns>
    /// <exception cref="ArgumentException">The network takes guidance and none is given.</exception>
    public Tensor Forward(
        Tensor hiddenStates,
        Tensor timestep,
        Tensor encoderHiddenStates,
        Tensor pooledProjections,
        Tensor txtIds,
        Tensor imgIds,
        Tensor? guidance = null
    )
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = hiddenStates.shape[0],
            textLength = encoderHiddenStates.shape[1];
        Tensor condition = Condition(timestep, guidance, ToOwn(pooledProjections), batch);
        (Tensor cos, Tensor sin) = _rotary.Angles(torch.cat([txtIds.to(ScalarType.Float32), imgIds.to(ScalarType.Float32)], 0));
        var positions = new FluxPositions(cos, sin);
        Tensor text = _contextEmbedder.Forward(ToOwn(encoderHiddenStates)),
            image = _xEmbedder.Forward(ToOwn(hiddenStates));
        foreach (FluxTransformerBlock block in _transformerBlocks)
        {
            (Tensor? newText, Tensor? newImage) = block.Forward(text, image, condition, positions);
            Scoped.Swap(ref text, newText);
            Scoped.Swap(ref image, newImage);
        }
        Tensor h = torch.cat([text, image], 1);
        foreach (FluxSingleTransformerBlock block in _singleTransformerBlocks)
        {
            Scoped.Swap(ref h, block.Forward(h, condition, positions));
        }
        // Scale before shift: the one place where the checkpoint has them in this order
        Tensor[] modulation = _normOut.Modulation(condition);
        Tensor result = _projOut.Forward(
            _normOut.Forward(h.narrow(1, textLength, h.shape[1] - textLength), shift: modulation[1], scale: modulation[0])
        );
        return ToCaller(result, hiddenStates).MoveToOuterDisposeScope();
    }

    private Tensor Condition(Tensor timestep, Tensor? guidance, Tensor pooled, long batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor condition = _timestepEmbedder.Forward(Embedded(timestep, batch));
        if (_guidanceEmbedder is not null)
        {
            Tensor scale = guidance
                ?? throw new ArgumentException("The network takes a guidance scale, and none is given", nameof(guidance));
            condition = condition + _guidanceEmbedder.Forward(Embedded(scale, batch));
        }
        return (condition + _textEmbedder.Forward(pooled)).MoveToOuterDisposeScope();
    }

    private Tensor Embedded(Tensor values, long batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor each = values.to(ScalarType.Float32).reshape(-1).expand(batch) * TimeScale;
        return _timeProj.Forward(each).to(Dtype).MoveToOuterDisposeScope();
    }
}
