namespace Generation.Api.Faces.ComfyUi;

/// <summary>What the nodes of a graph would make, from its loaders to one of its outputs. The graph has been checked before.</summary>
/// <param name="graph">The graph.</param>
/// <param name="catalogue">What there is.</param>
/// <param name="pictures">The pictures that the graph loads, by the names that it has for them.</param>
internal sealed partial class GraphReader(ComfyGraph graph, ComfyCatalogue catalogue, IReadOnlyDictionary<string, ComfyPicture> pictures)
{
    private readonly Dictionary<(string Node, int Output), ComfyValue> _known = [];

    /// <summary>The picture that an output node shows or keeps.</summary>
    /// <exception cref="NodeException">A node or a wiring has no counterpart here.</exception>
    public ImageValue Image(GraphNode output) => Of<ImageValue>(output, "images");

    private ComfyValue Of(GraphLink link)
    {
        if (!_known.TryGetValue((link.Node, link.Output), out ComfyValue? value))
        {
            _known[(link.Node, link.Output)] = value = Make(graph.Nodes[link.Node], link.Output);
        }

        return value;
    }

    private ComfyValue Make(GraphNode node, int output) =>
        node.Class.Name switch
        {
            "CheckpointLoaderSimple" => Checkpoint(node, Model(node, "ckpt_name"), output),
            "UNETLoader" => new ModelValue(node.Id, Model(node, "unet_name"), []),
            "CLIPLoader" or "DualCLIPLoader" or "TripleCLIPLoader" => new ClipValue(node.Id, [], 0),
            "VAELoader" => new VaeValue(node.Id, Text(node, "vae_name")),
            "UpscaleModelLoader" => Upscaler(node),
            "ControlNetLoader" => new ControlNetValue(node.Id, Text(node, "control_net_name")),
            "LoraLoader" when output == 1 => ClipWith(node),
            "LoraLoader" or "LoraLoaderModelOnly" => ModelWith(node),
            "CLIPSetLastLayer" => Of<ClipValue>(node, "clip") with { Node = node.Id, Skip = -1 - Int(node, "stop_at_clip_layer") },
            // They shift the noise levels as the model does by itself here
            "ModelSamplingFlux" or "ModelSamplingSD3" => Of<ModelValue>(node, "model"),
            "CLIPTextEncode" => new ConditioningValue(node.Id, Text(node, "text"), Of<ClipValue>(node, "clip")),
            "CLIPTextEncodeFlux" => FluxText(node),
            "FluxGuidance" => Of<ConditioningValue>(node, "conditioning") with
            {
                Guidance = Number(node, "guidance"),
                GuidanceNode = node.Id,
            },
            "ConditioningZeroOut" => Of<ConditioningValue>(node, "conditioning") with { Node = node.Id, Text = "", Controls = [] },
            "ConditioningCombine" => Combined(node),
            "ControlNetApply" => Controlled(node, Of<ConditioningValue>(node, "conditioning"), 0, 1),
            "ControlNetApplyAdvanced" => Controlled(
                node,
                Of<ConditioningValue>(node, output == 0 ? "positive" : "negative"),
                Number(node, "start_percent"),
                Number(node, "end_percent")
            ),
            "InpaintModelConditioning" when output < 2 => Of<ConditioningValue>(node, output == 0 ? "positive" : "negative"),
            "InpaintModelConditioning" => new MaskedLatent(
                node.Id,
                new EncodedLatent(node.Id, Of<ImageValue>(node, "pixels")),
                Of<MaskValue>(node, "mask"),
                0
            ),
            _ => MakeLatent(node, output) ?? MakeImage(node, output) ?? MakePart(node),
        };

    private ComfyValue? MakeLatent(GraphNode node, int output) =>
        node.Class.Name switch
        {
            "EmptyLatentImage" or "EmptySD3LatentImage" => new EmptyLatent(
                node.Id,
                Int(node, "width") / 8 * 8,
                Int(node, "height") / 8 * 8,
                Int(node, "batch_size")
            ),
            "VAEEncode" => new EncodedLatent(node.Id, Of<ImageValue>(node, "pixels")),
            "VAEEncodeForInpaint" => new MaskedLatent(
                node.Id,
                new EncodedLatent(node.Id, Of<ImageValue>(node, "pixels")),
                Of<MaskValue>(node, "mask"),
                Int(node, "grow_mask_by")
            ),
            "SetLatentNoiseMask" => new MaskedLatent(node.Id, Of<LatentValue>(node, "samples"), Of<MaskValue>(node, "mask"), 0),
            "LatentUpscale" => new ResizedLatent(
                node.Id,
                Of<LatentValue>(node, "samples"),
                Int(node, "width") / 8 * 8,
                Int(node, "height") / 8 * 8,
                0
            ),
            "LatentUpscaleBy" => new ResizedLatent(node.Id, Of<LatentValue>(node, "samples"), 0, 0, Number(node, "scale_by")),
            "KSampler" => Sampled(node) with { Seed = Seed(node, "seed"), Denoise = Number(node, "denoise") },
            "KSamplerAdvanced" => Sampled(node) with
            {
                Seed = Seed(node, "noise_seed"),
                Run = (Int(node, "start_at_step"), Int(node, "end_at_step")),
                AddsNoise = Text(node, "add_noise") == "enable",
                LeavesNoise = Text(node, "return_with_leftover_noise") == "enable",
            },
            "SamplerCustomAdvanced" => SampledByParts(node),
            _ => null,
        };

    private ComfyValue? MakeImage(GraphNode node, int output) =>
        node.Class.Name switch
        {
            "LoadImage" when output == 0 => new LoadedImage(node.Id, Picture(node)),
            "LoadImage" => new LoadedMask(node.Id, Picture(node).Alpha, ComfyPicture.PaintTransparent),
            "LoadImageMask" => Text(node, "channel") == "alpha"
                ? new LoadedMask(node.Id, Picture(node).Alpha, ComfyPicture.PaintTransparent)
                : new LoadedMask(node.Id, Picture(node).Source, ComfyPicture.PaintWhite),
            "VAEDecode" or "VAEDecodeTiled" => new DecodedImage(node.Id, Of<LatentValue>(node, "samples"), Of<VaeValue>(node, "vae")),
            "ImageUpscaleWithModel" => new EnlargedImage(
                node.Id,
                Of<ImageValue>(node, "image"),
                Of<UpscaleModelValue>(node, "upscale_model")
            ),
            "ImageScale" => new ScaledImage(node.Id, Of<ImageValue>(node, "image"), Int(node, "width"), Int(node, "height"), 0),
            "ImageScaleBy" => new ScaledImage(node.Id, Of<ImageValue>(node, "image"), 0, 0, Number(node, "scale_by")),
            "ImagePadForOutpaint" when output == 0 => Padded(node),
            "ImagePadForOutpaint" => new PaddingMask(node.Id, Padded(node)),
            _ => null,
        };

    private ComfyValue MakePart(GraphNode node) =>
        node.Class.Name switch
        {
            "RandomNoise" => new NoiseValue(node.Id, Seed(node, "noise_seed")),
            "KSamplerSelect" => new SamplerValue(node.Id, Text(node, "sampler_name")),
            "BasicScheduler" => new SigmasValue(node.Id, Text(node, "scheduler"), Int(node, "steps"), Number(node, "denoise")),
            "BasicGuider" => new GuiderValue(
                node.Id,
                Of<ModelValue>(node, "model"),
                Of<ConditioningValue>(node, "conditioning"),
                null,
                null
            ),
            "CFGGuider" => new GuiderValue(
                node.Id,
                Of<ModelValue>(node, "model"),
                Of<ConditioningValue>(node, "positive"),
                Of<ConditioningValue>(node, "negative"),
                Number(node, "cfg")
            ),
            _ => throw new NodeException(NodeError.NotDone(node.Id, null, $"{node.Class.Name} makes nothing that other nodes take")),
        };
}
