using Generation.Kernels.Products;

namespace Generation.Kernels;

/// <summary>
/// A linear layer (features to outputs) with its weight packed into the order that products read it in, for processors with AVX2 or more.
/// Sums are float32 whatever the elements, and a row's result does not depend on the other rows or on the number of threads.
/// </summary>
public sealed unsafe class PackedLinearKernel : IDisposable
{
    private readonly PackedMatrix _matrix;

    private PackedLinearKernel(PackedMatrix matrix) => _matrix = matrix;

    /// <summary>Bytes of the packed weight and bias.</summary>
    public long Bytes => _matrix.Bytes;

    /// <param name="weight">(outputs, features), dense; it is copied in its own element.</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="gated">For <see cref="RunGated"/> in place of <see cref="Run"/>; outputs is even.</param>
    /// <returns>Null where the processor has no AVX2.</returns>
    public static PackedLinearKernel? TryPack(
        void* weight, Element element, void* bias, Element biasElement, int outputs, int features, bool gated = false) =>
        Processor.HasAvx2 ? Pack(Processor.Vectors, weight, element, bias, biasElement, outputs, features, gated) : null;

    /// <summary>result (rows, outputs) = x (rows, features) x weight, transposed, + bias + added.</summary>
    /// <param name="element">The element of x, result and added.</param>
    /// <param name="added">(rows, outputs), or null; it may be <paramref name="result"/>.</param>
    public void Run(void* x, void* result, void* added, Element element, long rows)
    {
        if (_matrix.IsGated)
        {
            throw new InvalidOperationException("the weight is packed for RunGated");
        }

        if (element == Element.Float32)
        {
            MatrixProduct.Run(
                _matrix, new MatrixRows<Float32Storage>(x, _matrix.RowLength), rows, new Result<Float32Storage>(result, added, _matrix.Results));
        }
        else
        {
            MatrixProduct.Run(
                _matrix, new MatrixRows<BFloat16Storage>(x, _matrix.RowLength), rows, new Result<BFloat16Storage>(result, added, _matrix.Results));
        }
    }

    /// <summary>GEGLU: result (rows, outputs / 2) = the first half of the layer's result times GELU (with erf) of the second half.</summary>
    public void RunGated(void* x, void* result, Element element, long rows)
    {
        if (!_matrix.IsGated)
        {
            throw new InvalidOperationException("the weight is packed for Run");
        }

        if (element == Element.Float32)
        {
            MatrixProduct.Run(_matrix, new MatrixRows<Float32Storage>(x, _matrix.RowLength), rows, new GatedResult<Float32Storage>(result, _matrix.Results));
        }
        else
        {
            MatrixProduct.Run(_matrix, new MatrixRows<BFloat16Storage>(x, _matrix.RowLength), rows, new GatedResult<BFloat16Storage>(result, _matrix.Results));
        }
    }

    public void Dispose() => _matrix.Dispose();

    internal static PackedLinearKernel Pack(
        InstructionSet instructions, void* weight, Element element, void* bias, Element biasElement, int outputs, int features, bool gated) =>
        new(new PackedMatrix(instructions, weight, element, bias, biasElement, outputs, features, 1, gated));
}
