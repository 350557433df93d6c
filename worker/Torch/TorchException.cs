using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>
/// An operation of libtorch failed. The message names the operation, the shapes and types of its tensors and libtorch's reason, for example
/// <c>product(float32[2, 3], float32[2, 3]): mat1 and mat2 shapes cannot be multiplied</c>.
/// </summary>
public sealed class TorchException : ExternalException
{
    private TorchException(string message, Exception? inner)
        : base(message, inner) { }

    /// <param name="operation">The operation's name in PyTorch.</param>
    /// <param name="error">The error of libtorch, of which the first line is kept, without the place in libtorch's code.</param>
    /// <param name="tensors">The operation's arguments; null for one that is absent.</param>
    internal static TorchException Of(string operation, ExternalException error, params ReadOnlySpan<Tensor?> tensors) =>
        new(Describe(operation, error.Message.Split("\nException raised from")[0].TrimEnd(), tensors), error);

    /// <inheritdoc cref="Of(string, ExternalException, ReadOnlySpan{Tensor?})"/>
    internal static TorchException Of(string operation, string reason, params ReadOnlySpan<Tensor?> tensors) =>
        new(Describe(operation, reason, tensors), null);

    private static string Describe(string operation, string reason, ReadOnlySpan<Tensor?> tensors)
    {
        var arguments = new List<string>(tensors.Length);
        foreach (Tensor? tensor in tensors)
        {
            arguments.Add(
                tensor is null
                    ? "none"
                    : string.Create(CultureInfo.InvariantCulture, $"{Name(tensor.dtype)}[{string.Join(", ", tensor.shape)}]")
            );
        }

        return $"{operation}({string.Join(", ", arguments)}): {reason}";
    }

    private static string Name(ScalarType type) => type.ToString().ToLowerInvariant();
}
