using System.Runtime.InteropServices;

namespace Generation.Torch;

/// <summary>
/// libtorch refused or failed an operation. The message names the operation, the shapes and types of its arguments
/// and libtorch's reason, for example <c>matmul(float32[2, 3], float32[2, 3]): mat1 and mat2 shapes cannot be multiplied</c>.
/// </summary>
public sealed class TorchException(string message) : ExternalException(message);
