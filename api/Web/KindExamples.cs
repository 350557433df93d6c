using System.Text.Json.Nodes;
using Generation.Contracts;

namespace Generation.Api;

/// <summary>What the API's description shows of each kind: an example that works, and the fields that it cannot do without.</summary>
internal static class KindExamples
{
    private const string Upload = "upl_0198c2f0d5c47a0d8f3d6b8b0a3b6c11";

    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        [JobKind.Text2Img.WireName()] = """{"prompt": "a red apple on a blue background", "width": 256, "height": 256, "seed": 7}""",
        [JobKind.Img2Img.WireName()] = $$"""{"prompt": "a green apple on a blue background", "image": "{{Upload}}", "strength": 0.75}""",
        [JobKind.Inpaint.WireName()] = $$"""{"prompt": "a yellow star", "image": "{{Upload}}", "mask": "{{Upload}}"}""",
        [JobKind.Outpaint.WireName()] = $$"""{"prompt": "a blue background", "image": "{{Upload}}", "left": 64, "right": 64}""",
        [JobKind.Edit.WireName()] = $$"""{"prompt": "make it winter", "image": "{{Upload}}", "image_guidance_scale": 1.5}""",
        [JobKind.ControlNet.WireName()] =
            $$"""{"prompt": "a house", "control": [{"image": "{{Upload}}", "type": "canny", "preprocessor": "canny"}]}""",
        [JobKind.SuperResolution.WireName()] = $$"""{"image": "{{Upload}}", "scale": 4}""",
        [JobKind.Video.WireName()] = """{"prompt": "a red apple", "num_frames": 8, "fps": 8, "output_format": "mp4"}""",
    };

    private static readonly Dictionary<Type, string[]> Required = new()
    {
        [typeof(Text2ImgBody)] = ["prompt"],
        [typeof(Img2ImgBody)] = ["prompt", "image"],
        [typeof(InpaintBody)] = ["prompt", "image"],
        [typeof(OutpaintBody)] = ["prompt", "image"],
        [typeof(EditBody)] = ["prompt", "image"],
        [typeof(ControlNetBody)] = ["prompt", "control"],
        [typeof(SuperResolutionBody)] = ["image"],
        [typeof(VideoBody)] = [],
    };

    /// <summary>A body for the operation of a kind; null for other operations.</summary>
    public static JsonNode? Of(string? operation) =>
        operation is not null && Examples.TryGetValue(operation, out string? json) ? JsonNode.Parse(json) : null;

    public static HashSet<string> RequiredOf(Type body) => [.. Required.GetValueOrDefault(body, [])];
}
