using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>The memory layout that convolutions run best in.</summary>
internal static class Layout
{
    /// <summary>A feature map with its channels side by side in memory (channels_last): what goes in stays so through all layers.</summary>
    /// <param name="x">(batch, channels, height, width)</param>
    public static Tensor ForConvolutions(Tensor x) => TorchExtras.channels_last(x);
}
