using System.Runtime.InteropServices;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// Byte pair encoding (Sennrich et al., 2016) with an end-of-word suffix: a word's bytes are merged pair by pair, the pair that is earliest
/// in the list of merges first, of equal pairs the leftmost. A word of n bytes takes O(n log n).
/// </summary>
internal sealed class BytePairEncoder
{
    public const string EndOfWord = "</w>";

    private readonly int[] _byteIds = new int[256];
    private readonly int[] _lastByteIds = new int[256];
    private readonly Dictionary<long, Merge> _merges;

    /// <summary>Makes an encoder from merges, whose tokens must all be in the vocabulary.</summary>
    /// <param name="vocabulary">The tokens and their ids.</param>
    /// <param name="merges">Pairs of tokens in the order of their priority.</param>
    /// <param name="unknown">The id of bytes that are not in the vocabulary.</param>
    public BytePairEncoder(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, int unknown)
    {
        for (int b = 0; b < 256; b++)
        {
            string c = ByteAlphabet.Character((byte)b).ToString();
            _byteIds[b] = vocabulary.GetValueOrDefault(c, unknown);
            _lastByteIds[b] = vocabulary.GetValueOrDefault(c + EndOfWord, unknown);
        }

        _merges = new Dictionary<long, Merge>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            // A pair listed twice counts at its last place, as in a Python dictionary
            _merges[Pair(Id(left, rank), Id(right, rank))] = new Merge(rank, Id(left + right, rank));
        }

        int Id(string token, int rank) =>
            vocabulary.TryGetValue(token, out int id)
                ? id
                : throw new TokenizerException(
                    $"Merge {rank + 1} ('{merges[rank].Left} {merges[rank].Right}') needs the token '{token}', which the vocabulary lacks."
                );
    }

    /// <summary>Appends the ids of one word to <paramref name="ids"/>.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(word.Length)];
        int count = Encoding.UTF8.GetBytes(word, bytes);
        if (count <= 1)
        {
            if (count == 1)
            {
                ids.Add(_lastByteIds[bytes[0]]);
            }

            return;
        }

        var symbols = new Symbol[count];
        for (int i = 0; i < count; i++)
        {
            bool last = i == count - 1;
            symbols[i] = new Symbol
            {
                Id = last ? _lastByteIds[bytes[i]] : _byteIds[bytes[i]],
                Previous = i - 1,
                Next = last ? -1 : i + 1,
            };
        }

        Join(symbols);
        for (int i = 0; i >= 0; i = symbols[i].Next)
        {
            ids.Add(symbols[i].Id);
        }
    }

    private void Join(Symbol[] symbols)
    {
        var queue = new PriorityQueue<(int At, int Result), long>(symbols.Length);
        for (int i = 0; i < symbols.Length - 1; i++)
        {
            Offer(i);
        }

        while (queue.TryDequeue(out (int At, int Result) best, out _))
        {
            ref Symbol left = ref symbols[best.At];
            // Entries are not taken back when a neighbour changes: only those that still say the truth count
            if (
                left.Id < 0
                || left.Next < 0
                || !_merges.TryGetValue(Pair(left.Id, symbols[left.Next].Id), out Merge merge)
                || merge.Result != best.Result
            )
            {
                continue;
            }

            ref Symbol right = ref symbols[left.Next];
            left.Id = merge.Result;
            left.Next = right.Next;
            right.Id = -1;
            if (left.Next >= 0)
            {
                symbols[left.Next].Previous = best.At;
                Offer(best.At);
            }

            if (left.Previous >= 0)
            {
                Offer(left.Previous);
            }
        }

        void Offer(int at)
        {
            if (_merges.TryGetValue(Pair(symbols[at].Id, symbols[symbols[at].Next].Id), out Merge merge))
            {
                queue.Enqueue((at, merge.Result), ((long)merge.Rank << 32) | (uint)at);
            }
        }
    }

    private static long Pair(int left, int right) => ((long)left << 32) | (uint)right;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Merge(int Rank, int Result);

    /// <summary>A symbol of the word in a doubly linked list. Id is -1 once it has been merged into the one before it.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Symbol
    {
        public int Id;
        public int Previous;
        public int Next;
    }
}
