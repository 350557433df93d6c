namespace Generation.Kernels.Tests;

/// <summary>Attention in C++ against plain loops in double precision.</summary>
[NonParallelizable]
public sealed unsafe class NativeAttentionTests
{
    public static readonly InstructionSet[] Sets = [InstructionSet.Avx512Bf16, InstructionSet.AmxBf16];

    private static readonly (int Batch, int Heads, int Length, int Keys, int Size)[] Shapes =
    [
        (2, 3, 1, 1, 8),
        (1, 2, 77, 77, 64),
        (2, 8, 64, 77, 40),
        (1, 1, 100, 333, 512),
        (1, 5, 33, 65, 7),
        (1, 2, 256, 256, 160),
        (1, 2, 70, 701, 40),
        (3, 2, 40, 1024, 80),
    ];

    private int _threads;

    [SetUp]
    public void Remember() => _threads = ThreadTeam.Threads;

    [TearDown]
    public void Restore() => ThreadTeam.Threads = _threads;

    [Test]
    public void Run_AnyShape_EqualsPlainLoops([ValueSource(nameof(Sets))] InstructionSet set, [Values] bool headsOutside)
    {
        ThreadTeam.Threads = headsOutside ? 1 : 3;
        foreach ((int batch, int heads, int length, int keys, int size) in Shapes)
        {
            using var case_ = new Case(batch, heads, length, keys, size, headsOutside);
            case_.RunAndCompare(set, 0.03);
        }
    }

    [Test]
    public void Run_MaskOrCausal_EqualsPlainLoops([ValueSource(nameof(Sets))] InstructionSet set, [Values] bool causal)
    {
        using var case_ = new Case(2, 3, 70, causal ? 70 : 130, 16, headsOutside: true) { IsCausal = causal };
        if (!causal)
        {
            // one mask for all heads
            case_.UseMask();
        }

        case_.RunAndCompare(set, 0.03);
    }

    [Test]
    public void Run_LargeScores_EqualsPlainLoops([ValueSource(nameof(Sets))] InstructionSet set)
    {
        using var case_ = new Case(1, 1, 100, 700, 40, headsOutside: true, factor: 4);
        case_.RunAndCompare(set, 0.05);
    }

    [Test]
    public void Run_AnyThreadsOrBatch_GivesTheSameBits([ValueSource(nameof(Sets))] InstructionSet set)
    {
        if (set > NativeKernels.Instructions)
        {
            return;
        }

        using var case_ = new Case(3, 2, 300, 200, 40, headsOutside: false);
        byte[] whole = case_.Run(set, threads: 1);
        Assert.That(case_.Run(set, threads: 5), Is.EqualTo(whole));
        for (int entry = 0; entry < 3; entry++)
        {
            byte[] alone = case_.Run(set, threads: 2, entry);
            Assert.That(alone, Is.EqualTo(whole.AsSpan(entry * alone.Length, alone.Length).ToArray()));
        }
    }

    [Test]
    public void Run_Float32_IsLeftToOthers()
    {
        using var numbers = new GuardedArray(Element.Float32, 8);
        var task = new AttentionTask
        {
            Element = Element.Float32,
            Query = numbers.Data,
            Key = numbers.Data,
            Value = numbers.Data,
            Output = numbers.Data,
            QueryStrides = new(8, 8, 8),
            KeyStrides = new(8, 8, 8),
            ValueStrides = new(8, 8, 8),
            OutputStrides = new(8, 8, 8),
            Batch = 1,
            Heads = 1,
            Length = 1,
            Keys = 1,
            Size = 8,
            Scale = 1,
        };
        Assert.That(NativeAttention.Run(task), Is.False);
    }

    private sealed class Case : IDisposable
    {
        private readonly int _batch;
        private readonly int _heads;
        private readonly int _length;
        private readonly int _keys;
        private readonly int _size;
        private readonly bool _headsOutside;
        private readonly double _scale;
        private readonly GuardedArray _query;
        private readonly GuardedArray _key;
        private readonly GuardedArray _value;
        private readonly GuardedArray _output;
        private GuardedArray? _mask;

        /// <param name="headsOutside">(batch, heads, rows, size) in memory, or (batch, rows, heads, size).</param>
        public Case(int batch, int heads, int length, int keys, int size, bool headsOutside, double factor = 1)
        {
            (_batch, _heads, _length, _keys, _size, _headsOutside) = (batch, heads, length, keys, size, headsOutside);
            _scale = 1 / Math.Sqrt(size);
            _query = GuardedArray.Random(Element.BFloat16, (long)batch * heads * length * size, 7, deviation: factor);
            _key = GuardedArray.Random(Element.BFloat16, (long)batch * heads * keys * size, 8, deviation: factor);
            _value = GuardedArray.Random(Element.BFloat16, (long)batch * heads * keys * size, 9);
            _output = new(Element.BFloat16, _query.Count);
        }

        public bool IsCausal { get; init; }

        public void UseMask() => _mask = GuardedArray.Random(Element.Float32, (long)_batch * _length * _keys, 3, deviation: 2);

        public byte[] Run(InstructionSet set, int threads, int? entry = null)
        {
            ThreadTeam.Threads = threads;
            Assert.That(NativeAttention.Run(Task(entry), set), Is.True);
            long each = _output.Count / _batch;
            return entry is int one ? _output.Bytes(one * each, each) : _output.Bytes();
        }

        public void RunAndCompare(InstructionSet set, double tolerance)
        {
            bool has = NativeAttention.Run(Task(null), set);
            Assert.That(has, Is.EqualTo(set <= NativeKernels.Instructions), NativeKernels.Sentence);
            if (!has)
            {
                return;
            }

            (double[] query, double[] key, double[] value) = (_query.ToDoubles(), _key.ToDoubles(), _value.ToDoubles());
            for (int b = 0; b < _batch; b++)
            {
                for (int h = 0; h < _heads; h++)
                {
                    // every third row, and the last, whatever blocks they fall into
                    for (int q = (_length - 1) % 3; q < _length; q += 3)
                    {
                        Compare(query, key, value, b, h, q, tolerance);
                    }
                }
            }
        }

        public void Dispose()
        {
            _query.Dispose();
            _key.Dispose();
            _value.Dispose();
            _output.Dispose();
            _mask?.Dispose();
        }

        private AttentionStrides Strides(int rows) =>
            _headsOutside
                ? new((long)_heads * rows * _size, (long)rows * _size, _size)
                : new((long)_heads * rows * _size, _size, (long)_heads * _size);

        private AttentionTask Task(int? entry)
        {
            long queries = (entry ?? 0) * Strides(_length).Batch * 2;
            long keys = (entry ?? 0) * Strides(_keys).Batch * 2;
            return new()
            {
                Element = Element.BFloat16,
                Query = _query.Data + queries,
                Key = _key.Data + keys,
                Value = _value.Data + keys,
                Output = _output.Data + queries,
                QueryStrides = Strides(_length),
                KeyStrides = Strides(_keys),
                ValueStrides = Strides(_keys),
                OutputStrides = Strides(_length),
                Mask = _mask is null ? null : (float*)_mask.Data,
                MaskStrides = new(_length * _keys, 0, _keys),
                MaskColumn = 1,
                IsCausal = IsCausal,
                Batch = entry is null ? _batch : 1,
                Heads = _heads,
                Length = _length,
                Keys = _keys,
                Size = _size,
                Scale = (float)_scale,
            };
        }

        private void Compare(double[] query, double[] key, double[] value, int batch, int head, int row, double tolerance)
        {
            long Place(int rows, int r) => (batch * Strides(rows).Batch) + (head * Strides(rows).Head) + (r * Strides(rows).Row);
            int seen = IsCausal ? Math.Min(_keys, row + 1) : _keys;
            double[] weights = new double[seen];
            long from = Place(_length, row);
            for (int k = 0; k < seen; k++)
            {
                double score = 0;
                long to = Place(_keys, k);
                for (int d = 0; d < _size; d++)
                {
                    score += query[from + d] * key[to + d];
                }

                weights[k] = (score * _scale) + (_mask is null ? 0 : _mask[(((batch * _length) + row) * _keys) + k]);
            }

            double top = weights.Max();
            weights = [.. weights.Select(score => Math.Exp(score - top))];
            double total = weights.Sum();
            double[] expected = new double[_size];
            for (int k = 0; k < seen; k++)
            {
                long to = Place(_keys, k);
                for (int d = 0; d < _size; d++)
                {
                    expected[d] += weights[k] / total * value[to + d];
                }
            }

            for (int d = 0; d < _size; d++)
            {
                double actual = _output[from + d];
                if (!(Math.Abs(actual - expected[d]) <= tolerance))
                {
                    Assert.That(actual, Is.EqualTo(expected[d]).Within(tolerance), $"batch {batch}, head {head}, row {row}, column {d}");
                }
            }
        }
    }
}
