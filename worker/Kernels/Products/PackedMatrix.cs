using Generation.Kernels.Pointwise;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// The second matrix of a product: a layer's weight (outputs, channels, taps), transposed, so that a row is an index of the product's inner
/// dimension (tap, channel) and a column is an output. It is stored in blocks of the inner dimension, each in panels of as many columns as
/// a tile has, each panel row by row: the order in which products read it. Zeros fill the last panel. The numbers keep their type.
/// </summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    private readonly int _panelColumns;
    private readonly NativeBuffer _buffer;
    private readonly byte* _data;
    private readonly float* _bias;

    /// <param name="gated">
    /// Whether the results are the first half of the outputs times GELU of the second half. A panel then contains as many columns of each
    /// half.
    /// </param>
    public PackedMatrix(
        InstructionSet instructions,
        void* weight,
        Element element,
        void* bias,
        Element biasElement,
        int outputs,
        int channels,
        int taps,
        bool gated
    )
    {
        Instructions = Processor.Require(instructions);
        Element = element;
        IsGated = gated;
        Results = gated ? outputs / 2 : outputs;
        Blocks = Depth.Blocks(channels, taps);
        _panelColumns = Instructions == InstructionSet.Avx512 ? Avx512Tile.Columns : Avx2Tile.Columns;
        int panelResults = gated ? _panelColumns / 2 : _panelColumns;
        Panels = (Results + panelResults - 1) / panelResults;
        nint weightBytes = (nint)(Blocks[^1].Packed + Blocks[^1].Padded) * Panels * _panelColumns * Size;
        Bytes = weightBytes + ((nint)Panels * _panelColumns * sizeof(float));
        _buffer = new NativeBuffer(Bytes);
        _data = _buffer.Data;
        _bias = (float*)(_data + weightBytes);
        ThreadTeam.For(Panels, panel =>
        {
            for (int column = 0; column < _panelColumns; column++)
            {
                int output = Output((int)panel, column);
                Bias((int)panel)[column] = output < 0 ? 0 : Parameters.Read(bias, biasElement, output, 0);
                if (element == Element.Float32)
                {
                    Pack((float*)weight, channels, taps, (int)panel, column, output);
                }
                else
                {
                    Pack((ushort*)weight, channels, taps, (int)panel, column, output);
                }
            }
        });
    }

    public InstructionSet Instructions { get; }

    public Element Element { get; }

    public bool IsGated { get; }

    /// <summary>The number of columns of the product's result.</summary>
    public int Results { get; }

    public IReadOnlyList<DepthBlock> Blocks { get; }

    public int Panels { get; }

    public nint Bytes { get; }

    private int Size => Element == Element.Float32 ? sizeof(float) : sizeof(ushort);

    /// <summary>One number for each column of a panel.</summary>
    public float* Bias(int panel) => _bias + (panel * _panelColumns);

    /// <summary>A block of a panel as it is stored: (rows of the block with the zeros that fill it, columns of a panel).</summary>
    public byte* Stored(DepthBlock block, int panel) =>
        _data + ((((nint)block.Packed * Panels) + ((nint)block.Padded * panel)) * _panelColumns * Size);

    /// <summary>Returns a block of a panel in float32.</summary>
    /// <param name="widened">Memory for the block where it has to be converted.</param>
    public float* Panel<TLanes, TVector>(DepthBlock block, int panel, float* widened)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        byte* stored = Stored(block, panel);
        if (Element == Element.Float32)
        {
            return (float*)stored;
        }

        WideningCopy.Widen<BFloat16Numbers, TLanes, TVector>(stored, widened, block.Padded * _panelColumns);
        return widened;
    }

    public void Dispose() => _buffer.Dispose();

    private void Pack<TNumber>(TNumber* weight, int channels, int taps, int panel, int column, int output)
        where TNumber : unmanaged
    {
        foreach (DepthBlock block in Blocks)
        {
            TNumber* to = (TNumber*)Stored(block, panel) + column;
            (int tap, int channel) = (block.Start / channels, block.Start % channels);
            for (int i = 0; i < block.Padded; i++, to += _panelColumns)
            {
                *to = output < 0 || i >= block.Count ? default : weight[((((nint)output * channels) + channel) * taps) + tap];
                if (++channel == channels)
                {
                    channel = 0;
                    tap++;
                }
            }
        }
    }

    /// <summary>The index of the output in a column of a panel, or -1.</summary>
    private int Output(int panel, int column)
    {
        if (!IsGated)
        {
            int output = (panel * _panelColumns) + column;
            return output < Results ? output : -1;
        }

        int half = _panelColumns / 2;
        int result = (panel * half) + (column % half);
        return result >= Results ? -1
            : column < half ? result
            : Results + result;
    }
}
