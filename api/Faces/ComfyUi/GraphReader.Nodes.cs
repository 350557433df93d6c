using Generation.Contracts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>Nodes whose outputs are more than their inputs side by side.</summary>
internal sealed partial class GraphReader
{
    /// <summary>No prompt has more control pictures; native requests may have fewer.</summary>
    private const int MostControls = 32;

    private T Of<T>(GraphNode node, string input)
        where T : ComfyValue =>
        node.Inputs.GetValueOrDefault(input)?.Link is { } link && Of(link) is T value
            ? value
            : throw new NodeException(NodeError.NotDone(node.Id, input, "is not what can be taken there"));

    /// <summary>A value that stands in the graph: values from other nodes are none of the classes' outputs.</summary>
    private static GraphInput Value(GraphNode node, string input) =>
        node.Inputs.GetValueOrDefault(input) is { Link: null } value
            ? value
            : throw new NodeException(NodeError.NotDone(node.Id, input, "must stand in the graph"));

    private static string Text(GraphNode node, string input) => GraphValues.Text(Value(node, input).Value) ?? "";

    private static double Number(GraphNode node, string input) => (double)(GraphValues.Number(Value(node, input).Value) ?? 0);

    private static int Int(GraphNode node, string input) => (int)decimal.Truncate(GraphValues.Number(Value(node, input).Value) ?? 0);

    private static ulong Seed(GraphNode node, string input) => (ulong)decimal.Truncate(GraphValues.Number(Value(node, input).Value) ?? 0);

    private ModelEntry Model(GraphNode node, string input) =>
        catalogue.Model(Text(node, input)) ?? throw new NodeException(NodeError.NotDone(node.Id, input, "there is no such model"));

    private UpscaleModelValue Upscaler(GraphNode node) =>
        catalogue.Upscaler(Text(node, "model_name")) is { } model
            ? new UpscaleModelValue(node.Id, model)
            : throw new NodeException(NodeError.NotDone(node.Id, "model_name", "there is no such upscaler"));

    private static ComfyValue Checkpoint(GraphNode node, ModelEntry model, int output) =>
        output switch
        {
            0 => new ModelValue(node.Id, model, []),
            1 => new ClipValue(node.Id, [], 0),
            _ => new VaeValue(node.Id, null),
        };

    private ClipValue ClipWith(GraphNode node)
    {
        ClipValue clip = Of<ClipValue>(node, "clip");
        return clip with { Node = node.Id, Loras = [.. clip.Loras, (LoraName(node), Number(node, "strength_clip"))] };
    }

    private ModelValue ModelWith(GraphNode node)
    {
        ModelValue model = Of<ModelValue>(node, "model");
        return model with { Loras = [.. model.Loras, (LoraName(node), Number(node, "strength_model"))] };
    }

    private string LoraName(GraphNode node) => catalogue.Lora(Text(node, "lora_name")) ?? Text(node, "lora_name");

    private ConditioningValue FluxText(GraphNode node)
    {
        string words = Text(node, "t5xxl");
        return new ConditioningValue(node.Id, words.Length > 0 ? words : Text(node, "clip_l"), Of<ClipValue>(node, "clip"))
        {
            Guidance = Number(node, "guidance"),
            GuidanceNode = node.Id,
        };
    }

    /// <summary>Both prompts count alike, as BREAK has it of two parts of one.</summary>
    private ConditioningValue Combined(GraphNode node)
    {
        ConditioningValue first = Of<ConditioningValue>(node, "conditioning_1");
        ConditioningValue second = Of<ConditioningValue>(node, "conditioning_2");
        const int MostCharacters = 65_536;
        if (first.Controls.Count + second.Controls.Count > MostControls)
        {
            throw new NodeException(NodeError.NotDone(node.Id, "conditioning_2", $"there may be {MostControls} control pictures at most"));
        }

        if (first.Text.Length + second.Text.Length > MostCharacters)
        {
            throw new NodeException(NodeError.NotDone(node.Id, "conditioning_2", "both texts together are too long"));
        }

        return first with
        {
            Text =
                first.Text.Length == 0 ? second.Text
                : second.Text.Length == 0 ? first.Text
                : $"{first.Text} BREAK {second.Text}",
            Controls = [.. first.Controls, .. second.Controls],
        };
    }

    private ConditioningValue Controlled(GraphNode node, ConditioningValue words, double start, double end)
    {
        double strength = Number(node, "strength");
        return strength == 0
            ? words
            : words with
            {
                Controls =
                [
                    .. words.Controls,
                    new ControlUseValue(
                        node.Id,
                        Of<ControlNetValue>(node, "control_net"),
                        Of<ImageValue>(node, "image"),
                        strength,
                        start,
                        end
                    ),
                ],
            };
    }

    private SampledLatent Sampled(GraphNode node) =>
        new(node.Id, Of<LatentValue>(node, "latent_image"), Of<ModelValue>(node, "model"))
        {
            Positive = Of<ConditioningValue>(node, "positive"),
            Negative = Of<ConditioningValue>(node, "negative"),
            Cfg = Number(node, "cfg"),
            Sampler = Text(node, "sampler_name"),
            Scheduler = Text(node, "scheduler"),
            Steps = Int(node, "steps"),
        };

    private SampledLatent SampledByParts(GraphNode node)
    {
        GuiderValue guider = Of<GuiderValue>(node, "guider");
        SigmasValue sigmas = Of<SigmasValue>(node, "sigmas");
        return new SampledLatent(node.Id, Of<LatentValue>(node, "latent_image"), guider.Model)
        {
            Positive = guider.Positive,
            Negative = guider.Negative,
            Cfg = guider.Cfg,
            Sampler = Of<SamplerValue>(node, "sampler").Name,
            Scheduler = sigmas.Scheduler,
            Steps = sigmas.Steps,
            Denoise = sigmas.Denoise,
            Seed = Of<NoiseValue>(node, "noise").Seed,
        };
    }

    private PaddedImage Padded(GraphNode node) =>
        new(
            node.Id,
            Of<ImageValue>(node, "image"),
            Int(node, "left"),
            Int(node, "top"),
            Int(node, "right"),
            Int(node, "bottom"),
            Int(node, "feathering")
        );

    private ComfyPicture Picture(GraphNode node) =>
        pictures.GetValueOrDefault(Text(node, "image"))
        ?? throw new NodeException(
            NodeError.NotDone(
                node.Id,
                "image",
                $"Invalid image file: {Web.ErrorText.Shown(Text(node, "image"))}; send it to /upload/image first. Inputs are kept for a day"
            )
        );
}
