using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>Finds in a picture what a text says (https://arxiv.org/abs/2112.10003), for inpainting masks from a text.</summary>
public sealed class CLIPSegModel : Network
{
    private readonly ClipTextTransformer _textModel;
    private readonly ClipVisionTransformer _visionModel;
    private readonly Linear _textProjection;
    private readonly ClipSegDecoder _decoder;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public CLIPSegModel(ClipSegConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        NetworkWeights clip = weights["clip"];
        _textModel = new ClipTextTransformer(clip["text_model"], config.TextConfig);
        _visionModel = new ClipVisionTransformer(clip["vision_model"], config.VisionConfig);
        _textProjection = new Linear(clip["text_projection"], config.TextConfig.HiddenSize, config.ProjectionDim, bias: false);
        _decoder = new ClipSegDecoder(weights["decoder"], config);
        // Only for pictures as prompts and for training
        clip.Ignore("visual_projection");
        clip.Ignore("logit_scale");
        Finish(weights);
    }

    public ClipSegConfig Config { get; }

    /// <summary>Embeds texts in the joint space of texts and pictures, in the caller's scope.</summary>
    /// <param name="inputIds">(batch, length) token ids</param>
    /// <param name="attentionMask">(batch, length), with 1 for tokens that are attended to and 0 for padding; null attends to all.</param>
    /// <returns>(batch, projection_dim)</returns>
    public Tensor TextEmbeds(Tensor inputIds, Tensor? attentionMask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor last = _textModel.HiddenStates(_textModel.Embed(inputIds), attentionMask)[^1];
        Tensor pooled = _textModel.Pool(_textModel.FinalLayerNorm(last), inputIds);
        return _textProjection.Forward(pooled).MoveToOuterDisposeScope();
    }

    /// <summary>How much each pixel shows what its text says, in the caller's scope.</summary>
    /// <param name="pixelValues">(batch, 3, side, side), normalised; the side may differ from the model's</param>
    /// <param name="conditionalEmbeddings">(batch, projection_dim), see <see cref="TextEmbeds"/></param>
    /// <returns>(batch, side, side) logits in the type of <paramref name="pixelValues"/>; their sigmoid is a probability</returns>
    /// <exception cref="ArgumentException">The pictures are not square, or there is not one text for each.</exception>
    public Tensor Forward(Tensor pixelValues, Tensor conditionalEmbeddings)
    {
        if (pixelValues.shape[2] != pixelValues.shape[3])
        {
            throw new ArgumentException(
                $"The pictures are {pixelValues.shape[3]} x {pixelValues.shape[2]}, the model takes square ones",
                nameof(pixelValues)
            );
        }
        if (pixelValues.shape[0] != conditionalEmbeddings.shape[0])
        {
            throw new ArgumentException(
                $"There are {pixelValues.shape[0]} pictures and {conditionalEmbeddings.shape[0]} texts",
                nameof(conditionalEmbeddings)
            );
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor[] states = _visionModel.HiddenStates(ToOwn(pixelValues), interpolatePositions: true);
        Tensor[] activations = [.. Config.ExtractLayers.Select(layer => states[layer + 1])];
        return ToCaller(_decoder.Forward(activations, ToOwn(conditionalEmbeddings)), pixelValues).MoveToOuterDisposeScope();
    }
}
