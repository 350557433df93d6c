namespace Generation.Kernels.Products;

/// <summary>
/// The second matrix of a product: a layer's weight (outputs, channels, taps), transposed, so that a row is the product's inner dimension
/// (tap, channel) and a column an output. It lies in blocks of the depth, each in panels of as many columns as a tile has, each panel row
/// by row: the order in which products read it. Zeros fill the last panel. Elements stay as they are stored.
/// </summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    private readonly int _panelColumns;
    private readonly NativeBuffer _buffer;
    private readonly byte* _data;
    private readonly float* _bias;

    /// <param name="gated">Whether the results are the first half of the outputs times GELU of the second: then a panel holds as many of each half.</param>
    public PackedMatrix(
        InstructionSet instructions, void* weight, Element element, void* bias, Element biasElement, int outputs, int channels, int taps, bool gated)
    {
        Instructions = instructions;
        Element = element;
        IsGated = gated;
        RowLength = channels * taps;
        Results = gated ? outputs / 2 : outputs;
        _panelColumns = instructions >= InstructionSet.Avx512 ? Avx512Tile.Columns : Avx2Tile.Columns;
        int panelResults = gated ? _panelColumns / 2 : _panelColumns;
        Panels = (Results + panelResults - 1) / panelResults;
        int size = element == Element.Float32 ? sizeof(float) : sizeof(ushort);
        Bytes = ((nint)Depth.Padded(RowLength) * Panels * _panelColumns * size) + ((nint)Panels * _panelColumns * sizeof(float));
        _buffer = new NativeBuffer(Bytes);
        _data = _buffer.Data;
        _bias = (float*)(_data + Bytes) - (Panels * _panelColumns);
        ThreadTeam.For(Panels, panel =>
        {
            for (int j = 0; j < _panelColumns; j++)
            {
                int output = Output((int)panel, j);
                _bias[(panel * _panelColumns) + j] = output < 0 || bias is null ? 0
                    : biasElement == Element.Float32 ? Float32Storage.Load(bias, output) : BFloat16Storage.Load(bias, output);
                for (int start = 0; start < RowLength; start += Depth.Block(RowLength))
                {
                    int count = Math.Min(Depth.Block(RowLength), RowLength - start);
                    byte* to = Address(start, count, (int)panel) + (j * size);
                    for (int k = 0; k < Depth.Padded(count); k++, to += _panelColumns * size)
                    {
                        int tap = (start + k) / channels;
                        nint from = (((nint)output * channels) + (start + k) - (tap * channels)) * taps + tap;
                        bool exists = output >= 0 && k < count;
                        if (element == Element.Float32)
                        {
                            *(float*)to = exists ? ((float*)weight)[from] : 0;
                        }
                        else
                        {
                            *(ushort*)to = exists ? ((ushort*)weight)[from] : (ushort)0;
                        }
                    }
                }
            }
        });
    }

    public InstructionSet Instructions { get; }

    public Element Element { get; }

    public bool IsGated { get; }

    /// <summary>The product's inner dimension.</summary>
    public int RowLength { get; }

    /// <summary>Columns of the product's result.</summary>
    public int Results { get; }

    public int Panels { get; }

    public nint Bytes { get; }

    /// <summary>One number for each column of a panel.</summary>
    public float* Bias(int panel) => _bias + (panel * _panelColumns);

    /// <summary>A block of a panel in float32.</summary>
    /// <param name="start">The block's first row.</param>
    /// <param name="count">The block's rows.</param>
    /// <param name="widened">Where a block may be widened.</param>
    public float* Panel(int start, int count, int panel, float* widened)
    {
        byte* stored = Address(start, count, panel);
        if (Element == Element.Float32)
        {
            return (float*)stored;
        }

        Numbers.Widen<BFloat16Storage>(stored, 0, widened, Depth.Padded(count) * _panelColumns);
        return widened;
    }

    public void Dispose() => _buffer.Dispose();

    private byte* Address(int start, int count, int panel) =>
        _data + ((((nint)start * Panels) + ((nint)Depth.Padded(count) * panel)) * _panelColumns * (Element == Element.Float32 ? sizeof(float) : sizeof(ushort)));

    /// <summary>The output that a column of a panel holds, or -1.</summary>
    private int Output(int panel, int column)
    {
        if (!IsGated)
        {
            int output = (panel * _panelColumns) + column;
            return output < Results ? output : -1;
        }

        int half = _panelColumns / 2;
        int result = (panel * half) + (column % half);
        return result >= Results ? -1 : column < half ? result : Results + result;
    }
}
