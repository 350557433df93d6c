using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>What a piece of a SentencePiece vocabulary is for; the numbers are those of sentencepiece_model.proto.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>One entry of a unigram vocabulary; its id is its index.</summary>
/// <param name="Text">The text that it stands for, with spaces written as U+2581.</param>
/// <param name="Score">The logarithm of its probability.</param>
/// <param name="Kind">What it is for.</param>
internal readonly record struct UnigramPiece(string Text, double Score, PieceKind Kind);

/// <summary>
/// The unigram language model (Kudo, 2018): a text is split into the pieces whose scores have the largest sum, found by one pass over the
/// text (Viterbi). A character that no piece covers costs the lowest score less 10, and a run of them becomes one unknown token, or its
/// bytes where the vocabulary has them. The time is linear in the text for a given longest piece.
/// </summary>
internal sealed class UnigramModel
{
    private const double UnknownPenalty = 10;

    private readonly UnigramPiece[] _pieces;
    private readonly int _unknown;
    private readonly bool _singlePrecision;
    private readonly double _lowest = double.PositiveInfinity;
    private readonly float _highest = 1.17549435e-38f;
    private readonly int[]? _byteIds;

    // The vocabulary as a trie over bytes: (node, byte) to node, and the piece that ends at a node
    private readonly Dictionary<long, int> _children = [];
    private readonly List<int> _pieceAt = [-1];

    /// <summary>Makes a model from a vocabulary.</summary>
    /// <param name="pieces">The vocabulary; only normal, user-defined and unused pieces are found in texts.</param>
    /// <param name="unknown">The id of the unknown token.</param>
    /// <param name="byteFallback">Whether unknown characters become the pieces of their bytes, written as &lt;0x0A&gt;.</param>
    /// <param name="singlePrecision">
    /// Whether sums are kept in single precision, as the SentencePiece library does, and not in double, as Hugging Face's tokenizers do. It
    /// decides between segmentations that are equally good, for example of a long run of one letter.
    /// </param>
    public UnigramModel(UnigramPiece[] pieces, int unknown, bool byteFallback, bool singlePrecision)
    {
        _pieces = pieces;
        _unknown = unknown;
        _singlePrecision = singlePrecision;
        if ((uint)unknown >= (uint)pieces.Length)
        {
            throw new TokenizerException($"The unknown token's id {unknown} is not one of the {pieces.Length} pieces.");
        }

        for (int id = 0; id < pieces.Length; id++)
        {
            if (pieces[id].Kind is PieceKind.Normal)
            {
                _lowest = Math.Min(_lowest, pieces[id].Score);
                _highest = Math.Max(_highest, (float)pieces[id].Score);
            }

            if (pieces[id].Kind is PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused)
            {
                Add(pieces[id].Text, id);
            }
        }

        _byteIds = byteFallback ? FindBytes() : null;
    }

    public int Count => _pieces.Length;

    public string Text(int id) => _pieces[id].Text;

    /// <summary>Appends the ids of <paramref name="text"/>, in which spaces are U+2581, to <paramref name="ids"/>.</summary>
    public void Encode(string text, List<int> ids)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Step[] best = FindBest(bytes);

        var path = new Stack<(int Id, int Start, int End)>();
        for (int end = bytes.Length; end > 0; end = best[end].Start)
        {
            path.Push((best[end].Id, best[end].Start, end));
        }

        bool inUnknown = false;
        foreach ((int id, int start, int end) in path)
        {
            if (id != _unknown)
            {
                ids.Add(id);
            }
            else if (_byteIds is not null)
            {
                for (int i = start; i < end; i++)
                {
                    ids.Add(_byteIds[bytes[i]]);
                }
            }
            else if (!inUnknown)
            {
                ids.Add(id);
            }

            inUnknown = id == _unknown;
        }
    }

    private Step[] FindBest(byte[] bytes)
    {
        // The best way to each place; Start is -1 where none is known yet
        var best = new Step[bytes.Length + 1];
        best.AsSpan().Fill(new Step { Start = -1 });
        double unknownScore = _singlePrecision ? (float)_lowest - (float)UnknownPenalty : _lowest - UnknownPenalty;
        for (int start = 0; start < bytes.Length; start += CharacterLength(bytes[start]))
        {
            int character = start + CharacterLength(bytes[start]);
            double soFar = best[start].Score;
            bool covered = false;
            int node = 0;
            for (int at = start; at < bytes.Length && _children.TryGetValue(Key(node, bytes[at]), out node); at++)
            {
                int id = _pieceAt[node];
                if (id < 0 || _pieces[id].Kind == PieceKind.Unused)
                {
                    continue;
                }

                int end = at + 1;
                // A user-defined piece is to win over every other way
                double score = _pieces[id].Kind == PieceKind.UserDefined ? ((end - start) * _highest) - 0.1 : _pieces[id].Score;
                Offer(ref best[end], soFar + score, start, id);
                covered |= end == character;
            }

            if (!covered)
            {
                Offer(ref best[character], soFar + unknownScore, start, _unknown);
            }
        }

        return best;
    }

    private void Offer(ref Step step, double score, int start, int id)
    {
        double kept = _singlePrecision ? (float)score : score;
        if (step.Start == -1 || kept > step.Score)
        {
            step = new Step
            {
                Score = kept,
                Start = start,
                Id = id,
            };
        }
    }

    private void Add(string text, int id)
    {
        int node = 0;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (!_children.TryGetValue(Key(node, b), out int next))
            {
                next = _pieceAt.Count;
                _children.Add(Key(node, b), next);
                _pieceAt.Add(-1);
            }

            node = next;
        }

        if (node != 0)
        {
            _pieceAt[node] = id;
        }
    }

    private int[] FindBytes()
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < _pieces.Length; id++)
        {
            ids[_pieces[id].Text] = id;
        }

        int[] bytes = new int[256];
        for (int b = 0; b < 256; b++)
        {
            bytes[b] = ids.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>"), _unknown);
        }

        return bytes;
    }

    private static long Key(int node, byte b) => ((long)node << 8) | b;

    // The text was encoded here, so it is valid UTF-8
    private static int CharacterLength(byte first) =>
        first switch
        {
            < 0x80 => 1,
            < 0xE0 => 2,
            < 0xF0 => 3,
            _ => 4,
        };

    [StructLayout(LayoutKind.Auto)]
    private struct Step
    {
        public double Score;
        public int Start;
        public int Id;
    }
}
