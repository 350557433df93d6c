using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using GELU = TorchSharp.Modules.GELU;

namespace Generation.Diffusion.Layers;

/// <summary>The activations that configs name.</summary>
public enum Activation
{
    [JsonStringEnumMemberName("silu")]
    Silu,

    /// <summary>Another name of SiLU.</summary>
    [JsonStringEnumMemberName("swish")]
    Swish,

    [JsonStringEnumMemberName("relu")]
    Relu,

    /// <summary>x * tanh(softplus(x)).</summary>
    [JsonStringEnumMemberName("mish")]
    Mish,

    /// <summary>GELU by the error function.</summary>
    [JsonStringEnumMemberName("gelu")]
    Gelu,

    /// <summary>GELU by tanh, as T5 1.1 was trained.</summary>
    [JsonStringEnumMemberName("gelu_new")]
    GeluNew,

    /// <summary>GELU by tanh.</summary>
    [JsonStringEnumMemberName("gelu_pytorch_tanh")]
    GeluTanh,

    /// <summary>x * sigmoid(1.702 x), as OpenAI's CLIP was trained.</summary>
    [JsonStringEnumMemberName("quick_gelu")]
    QuickGelu,
}

/// <summary>Computes an <see cref="Activation"/>.</summary>
public static class Activations
{
    /// <summary>The activation of each value of <paramref name="x"/>, any shape.</summary>
    public static Tensor Apply(this Activation activation, Tensor x) =>
        activation switch
        {
            Activation.Silu or Activation.Swish => F.silu(x),
            Activation.Relu => F.relu(x),
            Activation.Mish => F.mish(x),
            Activation.Gelu => F.gelu(x),
            Activation.GeluNew or Activation.GeluTanh => F.gelu(x, GELU.Approximate.tanh),
            Activation.QuickGelu => QuickGelu(x),
            _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "Unknown activation"),
        };

    private static Tensor QuickGelu(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return (x * torch.sigmoid(x * 1.702)).MoveToOuterDisposeScope();
    }
}
