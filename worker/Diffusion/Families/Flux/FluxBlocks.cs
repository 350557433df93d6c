using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>A block in which text and picture attend to each other, each with weights of its own.</summary>
internal sealed class FluxTransformerBlock
{
    private readonly Stream _image;
    private readonly Stream _text;

    public FluxTransformerBlock(NetworkWeights w, FluxConfig config)
    {
        NetworkWeights attention = w["attn"];
        _image = new Stream(
            w["norm1"],
            new FluxProjections(attention, config, FluxProjections.Image),
            attention["to_out.0"],
            w["ff"],
            config
        );
        _text = new Stream(
            w["norm1_context"],
            new FluxProjections(attention, config, FluxProjections.Text),
            attention["to_add_out"],
            w["ff_context"],
            config
        );
    }

    /// <returns>The text's and the picture's tokens, in the caller's scope.</returns>
    public (Tensor Text, Tensor Image) Forward(Tensor text, Tensor image, Tensor condition, in FluxPositions positions)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] textModulation = _text.Norm.Modulation(condition),
            imageModulation = _image.Norm.Modulation(condition);
        (Tensor? textQ, Tensor? textK, Tensor? textV) = _text.Project(text, textModulation);
        (Tensor? imageQ, Tensor? imageK, Tensor? imageV) = _image.Project(image, imageModulation);
        Tensor attended = positions.Attend(torch.cat([textQ, imageQ], 2), torch.cat([textK, imageK], 2), torch.cat([textV, imageV], 2));
        long length = text.shape[1];
        Tensor newText = _text.Finish(text, attended.narrow(1, 0, length), textModulation);
        Tensor newImage = _image.Finish(image, attended.narrow(1, length, attended.shape[1] - length), imageModulation);
        return (newText.MoveToOuterDisposeScope(), newImage.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// One stream's norm, projections and MLP. The modulation has shift, scale and gate of the attention, then of the MLP.
    /// </summary>
    private sealed class Stream(
        NetworkWeights norm,
        FluxProjections projections,
        NetworkWeights toOut,
        NetworkWeights feedForward,
        FluxConfig config
    )
    {
        private readonly Linear _toOut = new(toOut, config.InnerDim, config.InnerDim);
        private readonly FeedForward _feedForward = new(feedForward, config.InnerDim, Activation.GeluTanh);

        public AdaLayerNorm Norm { get; } = new(norm, config.InnerDim, chunks: 6);

        public (Tensor Q, Tensor K, Tensor V) Project(Tensor x, Tensor[] modulation)
        {
            using Tensor normed = Norm.Forward(x, modulation[0], modulation[1]);
            return projections.Forward(normed);
        }

        public Tensor Finish(Tensor x, Tensor attended, Tensor[] modulation)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor h = x + _toOut.Forward(attended).mul_(modulation[2]);
            Tensor inner = _feedForward.Forward(Norm.Forward(h, modulation[3], modulation[4]));
            return h.add_(inner.mul_(modulation[5])).MoveToOuterDisposeScope();
        }
    }
}

/// <summary>A block over text and picture as one sequence, with attention and MLP side by side.</summary>
internal sealed class FluxSingleTransformerBlock
{
    private readonly AdaLayerNorm _norm;
    private readonly FluxProjections _projections;
    private readonly Linear _projMlp;
    private readonly Linear _projOut;

    public FluxSingleTransformerBlock(NetworkWeights w, FluxConfig config)
    {
        int inner = config.InnerDim,
            mlp = inner * 4;
        _norm = new AdaLayerNorm(w["norm"], inner, chunks: 3);
        _projections = new FluxProjections(w["attn"], config, FluxProjections.Image);
        _projMlp = new Linear(w["proj_mlp"], inner, mlp);
        _projOut = new Linear(w["proj_out"], inner + mlp, inner);
    }

    /// <param name="x">(batch, text length + picture length, features)</param>
    public Tensor Forward(Tensor x, Tensor condition, in FluxPositions positions)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] modulation = _norm.Modulation(condition);
        Tensor normed = _norm.Forward(x, modulation[0], modulation[1]);
        Tensor mlp = Activation.GeluTanh.Apply(_projMlp.Forward(normed));
        (Tensor? q, Tensor? k, Tensor? v) = _projections.Forward(normed);
        Tensor joined = torch.cat([positions.Attend(q, k, v), mlp], -1);
        return (x + _projOut.Forward(joined).mul_(modulation[2])).MoveToOuterDisposeScope();
    }
}
