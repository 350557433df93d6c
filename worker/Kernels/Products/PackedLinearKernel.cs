using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// A linear layer (features to outputs) with its weight packed into the order in which products read it, for processors with AVX2 or more.
/// Sums are float32 whatever the element type, and a row's result depends neither on the other rows nor on the number of threads.
/// </summary>
public sealed unsafe class PackedLinearKernel : IDisposable
{
    private readonly PackedMatrix _matrix;

    private readonly int _features;

    private PackedLinearKernel(PackedMatrix matrix, int features)
    {
        _matrix = matrix;
        _features = features;
    }

    /// <summary>The size of the packed weight and bias in bytes.</summary>
    public long Bytes => _matrix.Bytes;

    /// <param name="weight">(outputs, features), dense; it is copied in its own type.</param>
    /// <param name="bias">(outputs), or null.</param>
    /// <param name="gated">
    /// Whether the layer is for <see cref="RunGated"/> instead of <see cref="Run"/>; the number of outputs is then even.
    /// </param>
    /// <returns>Null where the processor has no AVX2.</returns>
    public static PackedLinearKernel? TryPack(
        void* weight,
        Element element,
        void* bias,
        Element biasElement,
        int outputs,
        int features,
        bool gated = false
    ) => Processor.HasAvx2 ? Pack(Processor.Vectors, weight, element, bias, biasElement, outputs, features, gated) : null;

    /// <summary>Computes result (rows, outputs) = x (rows, features) x weight, transposed, + bias + added.</summary>
    /// <param name="element">The element type of x, result and added.</param>
    /// <param name="added">(rows, outputs), or null; it may be <paramref name="result"/>.</param>
    public void Run(void* x, void* result, void* added, Element element, long rows)
    {
        if (_matrix.IsGated)
        {
            throw new InvalidOperationException("the weight is packed for RunGated");
        }

        if (element == Element.Float32)
        {
            Run<Float32Numbers, Result<Float32Numbers>>(x, new((byte*)result, (byte*)added, _matrix.Results), rows);
        }
        else
        {
            Run<BFloat16Numbers, Result<BFloat16Numbers>>(x, new((byte*)result, (byte*)added, _matrix.Results), rows);
        }
    }

    /// <summary>
    /// Computes GEGLU: result (rows, outputs / 2) = the first half of the layer's result times GELU (with erf) of the second half.
    /// </summary>
    public void RunGated(void* x, void* result, Element element, long rows)
    {
        if (!_matrix.IsGated)
        {
            throw new InvalidOperationException("the weight is packed for Run");
        }

        if (element == Element.Float32)
        {
            Run<Float32Numbers, GatedResult<Float32Numbers>>(x, new((byte*)result, _matrix.Results), rows);
        }
        else
        {
            Run<BFloat16Numbers, GatedResult<BFloat16Numbers>>(x, new((byte*)result, _matrix.Results), rows);
        }
    }

    public void Dispose() => _matrix.Dispose();

    internal static PackedLinearKernel Pack(
        InstructionSet instructions,
        void* weight,
        Element element,
        void* bias,
        Element biasElement,
        int outputs,
        int features,
        bool gated
    ) => new(new PackedMatrix(instructions, weight, element, bias, biasElement, outputs, features, 1, gated), features);

    private void Run<TNumbers, TResult>(void* x, TResult result, long rows)
        where TNumbers : struct, INumbers
        where TResult : struct, IResult => MatrixProduct.Run(_matrix, new MatrixRows<TNumbers>((byte*)x, _features), rows, result);
}
