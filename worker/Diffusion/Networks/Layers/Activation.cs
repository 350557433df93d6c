using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Networks.Layers;

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
    // sqrt(2 / pi), of GELU's tanh form (Hendrycks and Gimpel, https://arxiv.org/abs/1606.08415)
    private const double TanhSlope = 0.79788456080286535588;

    /// <summary>The activation of each value of <paramref name="x"/>, any shape.</summary>
    public static Tensor Apply(this Activation activation, Tensor x) => activation switch
    {
        Activation.Silu or Activation.Swish => F.silu(x),
        Activation.Relu => F.relu(x),
        Activation.Gelu => F.gelu(x),
        Activation.GeluNew or Activation.GeluTanh => GeluByTanh(x),
        Activation.QuickGelu => QuickGelu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "Unknown activation"),
    };

    private static Tensor QuickGelu(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x * torch.sigmoid(x * 1.702)).MoveToOuterDisposeScope();
    }

    private static Tensor GeluByTanh(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor inner = (x + x * x * x * 0.044715) * TanhSlope;
        return (x * 0.5 * (torch.tanh(inner) + 1.0)).MoveToOuterDisposeScope();
    }
}
