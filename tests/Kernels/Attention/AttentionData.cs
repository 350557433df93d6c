namespace Generation.Kernels.Tests.Attention;

internal sealed record AttentionShape(long Batch, long Heads, long Length, long Keys, long Size);

/// <summary>Random queries, keys and values for one attention, and its definition in double precision.</summary>
internal sealed unsafe class AttentionData : IDisposable
{
    private readonly AttentionShape _shape;
    private readonly Element _element;
    private readonly bool _sideBySide;
    private readonly float _scale;
    private GuardedArray? _mask;
    private long _maskBatch;
    private long _maskHead;
    private long _maskQuery;

    public AttentionData(AttentionShape shape, Element element, int seed, bool headsSideBySide = false, double deviation = 1)
    {
        (_shape, _element, _sideBySide) = (shape, element, headsSideBySide);
        _scale = (float)(1 / Math.Sqrt(shape.Size));
        long heads = shape.Batch * shape.Heads;
        Query = GuardedArray.Random(element, heads * shape.Length * shape.Size, seed, deviation: deviation);
        Key = GuardedArray.Random(element, heads * shape.Keys * shape.Size, seed + 1);
        Value = GuardedArray.Random(element, heads * shape.Keys * shape.Size, seed + 2, atEnd: seed % 2 == 0);
        Output = new GuardedArray(element, Query.Count, atEnd: seed % 2 == 1);
    }

    public GuardedArray Query { get; }

    public GuardedArray Key { get; }

    public GuardedArray Value { get; }

    public GuardedArray Output { get; }

    /// <summary>A mask (batch, heads, queries, keys), where 1 stands for all.</summary>
    public void SetMask(GuardedArray mask, int batch, int heads, int queries)
    {
        _mask = mask;
        _maskQuery = queries == 1 ? 0 : _shape.Keys;
        _maskHead = heads == 1 ? 0 : queries * _shape.Keys;
        _maskBatch = batch == 1 ? 0 : heads * queries * _shape.Keys;
    }

    public AttentionTask Task(bool causal = false) =>
        new()
        {
            Element = _element,
            Batch = _shape.Batch,
            Heads = _shape.Heads,
            Length = _shape.Length,
            Keys = _shape.Keys,
            Size = _shape.Size,
            Scale = _scale,
            Query = Query.Data,
            Key = Key.Data,
            Value = Value.Data,
            Output = Output.Data,
            QueryStrides = Strides(_shape.Length),
            KeyStrides = Strides(_shape.Keys),
            ValueStrides = Strides(_shape.Keys),
            OutputStrides = Strides(_shape.Length),
            Mask = _mask is null ? null : (float*)_mask.Data,
            MaskStrides = new AttentionStrides(_maskBatch, _maskHead, _maskQuery),
            MaskColumn = 1,
            IsCausal = causal,
        };

    /// <summary>One head alone, counted through the batch.</summary>
    public AttentionTask TaskOfHead(long head)
    {
        int width = _element == Element.BFloat16 ? 2 : 4;
        long queries = head * _shape.Length * _shape.Size * width;
        long keys = head * _shape.Keys * _shape.Size * width;
        return Task() with
        {
            Batch = 1,
            Heads = 1,
            Query = Query.Data + queries,
            Key = Key.Data + keys,
            Value = Value.Data + keys,
            Output = Output.Data + queries,
        };
    }

    public void Clear() => new Span<byte>(Output.Data, Output.Bytes().Length).Clear();

    /// <summary>Fails unless the output is softmax(q k^T * scale + mask) v.</summary>
    public void Check(bool causal = false)
    {
        (double[] queries, double[] keys, double[] values, double[] output) = (Wide(Query), Wide(Key), Wide(Value), Wide(Output));
        double[] scores = new double[_shape.Keys];
        for (long row = 0; row < _shape.Batch * _shape.Heads * _shape.Length; row++)
        {
            (long batch, long head, long q) = (row / _shape.Length / _shape.Heads, row / _shape.Length % _shape.Heads, row % _shape.Length);
            for (long k = 0; k < _shape.Keys; k++)
            {
                double dot = 0;
                long query = Place(batch, head, q, 0, _shape.Length);
                long key = Place(batch, head, k, 0, _shape.Keys);
                for (long d = 0; d < _shape.Size; d++)
                {
                    dot += queries[query + d] * keys[key + d];
                }

                double added = _mask?[batch * _maskBatch + head * _maskHead + q * _maskQuery + k] ?? 0;
                scores[k] = causal && k > q ? double.NegativeInfinity : dot * _scale + added;
            }

            double top = scores.Max();
            double[] weights = [.. scores.Select(score => double.IsNegativeInfinity(top) ? 0 : Math.Exp(score - top))];
            double total = weights.Sum();
            for (long d = 0; d < _shape.Size; d++)
            {
                double expected = 0;
                for (long k = 0; k < _shape.Keys && total > 0; k++)
                {
                    expected += weights[k] / total * values[Place(batch, head, k, d, _shape.Keys)];
                }

                double actual = output[Place(batch, head, q, d, _shape.Length)];

                // scores are float32: how far off a weight is grows with their size
                double allowed = 2e-6 + 4e-7 * (double.IsNegativeInfinity(top) ? 0 : Math.Abs(top));
                allowed += _element == Element.BFloat16 ? Math.Abs(expected) / 255 : 0;
                if (!(Math.Abs(actual - expected) <= allowed))
                {
                    Assert.Fail($"{_shape}, batch {batch}, head {head}, query {q}, place {d}: {actual:g9} is not {expected:g9}");
                }
            }
        }
    }

    public void Dispose()
    {
        Query.Dispose();
        Key.Dispose();
        Value.Dispose();
        Output.Dispose();
    }

    private static double[] Wide(GuardedArray array)
    {
        double[] wide = new double[array.Count];
        for (long i = 0; i < wide.Length; i++)
        {
            wide[i] = array[i];
        }

        return wide;
    }

    private long Place(long batch, long head, long row, long d, long rows) =>
        d + _shape.Size * (_sideBySide ? (batch * rows + row) * _shape.Heads + head : (batch * _shape.Heads + head) * rows + row);

    private AttentionStrides Strides(long rows) =>
        _sideBySide
            ? new AttentionStrides(rows * _shape.Heads * _shape.Size, _shape.Size, _shape.Heads * _shape.Size)
            : new AttentionStrides(_shape.Heads * rows * _shape.Size, rows * _shape.Size, _shape.Size);
}
