using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>What an output of a node would be, as words for how it is made: nothing is computed where graphs are read.</summary>
/// <param name="Node">The id of the node that makes it.</param>
internal abstract record ComfyValue(string Node);

/// <summary>A model with the adapters that lie over it.</summary>
internal sealed record ModelValue(string Node, ModelEntry Model, IReadOnlyList<(string Name, double Scale)> Loras) : ComfyValue(Node);

/// <summary>Text encoders, with the adapters that lie over them and the layers that are left out.</summary>
internal sealed record ClipValue(string Node, IReadOnlyList<(string Name, double Scale)> Loras, int Skip) : ComfyValue(Node);

/// <summary>An autoencoder; no name for the model's own.</summary>
internal sealed record VaeValue(string Node, string? Name) : ComfyValue(Node);

internal sealed record UpscaleModelValue(string Node, ModelEntry Model) : ComfyValue(Node);

internal sealed record ControlNetValue(string Node, string Name) : ComfyValue(Node);

/// <summary>A prompt; or none, where it is zeroed out.</summary>
internal sealed record ConditioningValue(string Node, string Text, ClipValue Clip) : ComfyValue(Node)
{
    public double? Guidance { get; init; }

    public IReadOnlyList<ControlUseValue> Controls { get; init; } = [];

    /// <summary>What FluxGuidance sets that is not in the text's own node; null where there is none.</summary>
    public string? GuidanceNode { get; init; }
}

/// <summary>A control picture of a prompt.</summary>
internal sealed record ControlUseValue(string Node, ControlNetValue Net, ImageValue Image, double Strength, double Start, double End);

internal sealed record NoiseValue(string Node, ulong Seed) : ComfyValue(Node);

internal sealed record SamplerValue(string Node, string Name) : ComfyValue(Node);

internal sealed record SigmasValue(string Node, string Scheduler, int Steps, double Denoise) : ComfyValue(Node);

internal sealed record GuiderValue(string Node, ModelValue Model, ConditioningValue Positive, ConditioningValue? Negative, double? Cfg)
    : ComfyValue(Node);

internal abstract record LatentValue(string Node) : ComfyValue(Node);

/// <summary>Noise alone, of a size in pixels.</summary>
internal sealed record EmptyLatent(string Node, int Width, int Height, int Batch) : LatentValue(Node);

/// <summary>The latent of a picture.</summary>
internal sealed record EncodedLatent(string Node, ImageValue Image) : LatentValue(Node);

/// <summary>A latent of which a part is made anew.</summary>
internal sealed record MaskedLatent(string Node, LatentValue Latent, MaskValue Mask, int Grow) : LatentValue(Node);

/// <summary>A latent of another size: in pixels, or by a factor.</summary>
internal sealed record ResizedLatent(string Node, LatentValue Latent, int Width, int Height, double Factor) : LatentValue(Node);

/// <summary>A pass of a sampler over a latent.</summary>
internal sealed record SampledLatent(string Node, LatentValue Latent, ModelValue Model) : LatentValue(Node)
{
    public required ConditioningValue Positive { get; init; }

    public ConditioningValue? Negative { get; init; }

    public double? Cfg { get; init; }

    public required string Sampler { get; init; }

    public required string Scheduler { get; init; }

    public ulong Seed { get; init; }

    public required int Steps { get; init; }

    public double Denoise { get; init; } = 1;

    /// <summary>The first of the steps that are run, and the one before which it stops.</summary>
    public (int Start, int End) Run { get; init; } = (0, int.MaxValue);

    public bool AddsNoise { get; init; } = true;

    public bool LeavesNoise { get; init; }
}

internal abstract record ImageValue(string Node) : ComfyValue(Node);

/// <summary>A picture that was sent before.</summary>
internal sealed record LoadedImage(string Node, ComfyPicture Picture) : ImageValue(Node);

/// <summary>The picture of a latent.</summary>
internal sealed record DecodedImage(string Node, LatentValue Latent, VaeValue Vae) : ImageValue(Node);

/// <summary>A picture that an upscale model has enlarged.</summary>
internal sealed record EnlargedImage(string Node, ImageValue Image, UpscaleModelValue Upscaler) : ImageValue(Node);

/// <summary>A picture of another size: in pixels, where 0 keeps the shape, or by a factor.</summary>
internal sealed record ScaledImage(string Node, ImageValue Image, int Width, int Height, double Factor) : ImageValue(Node);

/// <summary>A picture with room around it.</summary>
internal sealed record PaddedImage(string Node, ImageValue Image, int Left, int Top, int Right, int Bottom, int Feathering)
    : ImageValue(Node);

internal abstract record MaskValue(string Node) : ComfyValue(Node);

/// <summary>The part of a picture that is to be made anew, as a native mask mode says which it is.</summary>
internal sealed record LoadedMask(string Node, PictureSource Picture, string Mode) : MaskValue(Node);

/// <summary>The room around a picture.</summary>
internal sealed record PaddingMask(string Node, PaddedImage Image) : MaskValue(Node);

/// <summary>A picture by its name in a folder.</summary>
/// <param name="Source">An upload.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Alpha">The picture whose transparent part is its mask; the same where it has an alpha channel of its own.</param>
internal sealed record ComfyPicture(PictureSource Source, int Width, int Height, PictureSource Alpha)
{
    /// <summary>Native mask modes: the part of the mask that is made anew.</summary>
    public const string PaintTransparent = "paint_transparent";

    public const string PaintWhite = "paint_white";
}
