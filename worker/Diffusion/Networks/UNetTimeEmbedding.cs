using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>Embeds timestep, class labels, pooled prompt and sizes into the one vector that conditions each residual block.</summary>
internal sealed class UNetTimeEmbedding
{
    private readonly UNetBodyConfig _config;
    private readonly Func<Tensor, Tensor> _timeProj;
    private readonly TimestepEmbedding _timeEmbedding;
    private readonly Embedding? _classTable;
    private readonly TimestepEmbedding? _classEmbedding;
    private readonly Linear? _classProjection;
    private readonly Timesteps? _addTimeProj;
    private readonly TimestepEmbedding? _addEmbedding;

    /// <param name="w">The root of the network's weights.</param>
    public UNetTimeEmbedding(NetworkWeights w, UNetBodyConfig config)
    {
        _config = config;
        int size = config.TimeEmbedDim;
        int projected = config.TimeProjDim;
        _timeProj =
            config.TimeEmbeddingType == TimeEmbeddingType.Fourier
                ? new FourierTimesteps(w["time_proj"], projected, config.FlipSinToCos).Forward
                : new Timesteps(projected, config.FlipSinToCos, config.FreqShift).Forward;
        _timeEmbedding = new TimestepEmbedding(
            w["time_embedding"],
            projected,
            size,
            config.ActFn,
            config.TimestepPostAct,
            config.TimeCondProjDim
        );
        NetworkWeights classes = w["class_embedding"];
        switch (config.ClassEmbedType)
        {
            case null when config.NumClassEmbeds is int count:
                _classTable = new Embedding(classes, count, size);
                break;
            case ClassEmbedType.Timestep:
                _classEmbedding = new TimestepEmbedding(classes, projected, size, config.ActFn);
                break;
            case ClassEmbedType.Projection:
                _classEmbedding = new TimestepEmbedding(classes, config.ProjectionClassEmbeddingsInputDim!.Value, size);
                break;
            case ClassEmbedType.SimpleProjection:
                _classProjection = new Linear(classes, config.ProjectionClassEmbeddingsInputDim!.Value, size);
                break;
        }
        if (config.AdditionEmbedType == AdditionEmbedType.TextTime)
        {
            _addTimeProj = new Timesteps(config.AdditionTimeEmbedDim!.Value, config.FlipSinToCos, config.FreqShift);
            _addEmbedding = new TimestepEmbedding(w["add_embedding"], config.ProjectionClassEmbeddingsInputDim!.Value, size);
        }
    }

    private bool HasClasses => _config.ClassEmbedType is not null || _config.NumClassEmbeds is not null;

    /// <param name="timestep">(batch) or one number for all</param>
    /// <returns>(batch, size), after the activation that every residual block would otherwise apply first</returns>
    public Tensor Forward(Tensor timestep, long batch, UNetConditions conditions, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor each = timestep.reshape(-1).expand(batch);
        Tensor emb = _timeEmbedding.Forward(_timeProj(each).to(dtype), conditions.TimestepCond?.to(dtype));
        if (HasClasses)
        {
            Tensor classes = EmbedClasses(Needed(conditions.ClassLabels, nameof(conditions.ClassLabels)), dtype);
            emb = _config.ClassEmbeddingsConcat ? torch.cat([emb, classes.expand(batch, -1)], -1) : emb + classes;
        }
        if (_addEmbedding is not null)
        {
            Tensor text = Needed(conditions.TextEmbeds, nameof(conditions.TextEmbeds));
            Tensor sizes = _addTimeProj!
                .Forward(Needed(conditions.TimeIds, nameof(conditions.TimeIds)).flatten())
                .reshape(text.shape[0], -1);
            emb = emb + _addEmbedding.Forward(torch.cat([text.to(ScalarType.Float32), sizes], -1).to(dtype));
        }
        if (_config.TimeEmbeddingActFn is Activation activation)
        {
            emb = activation.Apply(emb);
        }
        return _config.ActFn.Apply(emb).MoveToOuterDisposeScope();
    }

    private Tensor EmbedClasses(Tensor labels, ScalarType dtype)
    {
        if (_classTable is not null)
        {
            return _classTable.Forward(labels.to(ScalarType.Int64));
        }
        Tensor vectors = _config.ClassEmbedType == ClassEmbedType.Timestep ? _timeProj(labels) : labels;
        vectors = vectors.to(dtype);
        return _classEmbedding?.Forward(vectors) ?? _classProjection?.Forward(vectors) ?? vectors;
    }

    private static Tensor Needed(Tensor? value, string name) =>
        value ?? throw new ArgumentException($"The network's config asks for {nameof(UNetConditions)}.{name}, and it is null", name);
}
