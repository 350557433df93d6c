using System.Buffers;

namespace Generation.Api.Web;

/// <summary>
/// Takes a body in as it comes, and its memory from a share: never more than twice what has come, whatever length the body says that it
/// has. It lies in pieces at first, and in one array of its size as soon as half of it is there or its end is known.
/// </summary>
/// <param name="length">The length that the body says that it has; null where it says none.</param>
/// <param name="share">From which memory is taken.</param>
internal sealed class BodyBuffer(long? length, BodyShare share)
{
    private const int LeastPiece = 1 << 14;
    private const int MostPiece = 1 << 22;

    private readonly List<byte[]> _full = [];
    private byte[] _last = [];
    private int _filled;

    /// <summary>The bytes that have come.</summary>
    public long Count { get; private set; }

    /// <summary>Takes in what comes next.</summary>
    /// <exception cref="ProblemException">There is no memory left for it.</exception>
    public void Add(ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> part in bytes)
        {
            Add(part.Span);
        }
    }

    /// <summary>Takes in what comes next.</summary>
    /// <exception cref="ProblemException">There is no memory left for it.</exception>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_filled == _last.Length)
            {
                Grow();
            }

            int count = Math.Min(bytes.Length, _last.Length - _filled);
            bytes[..count].CopyTo(_last.AsSpan(_filled));
            _filled += count;
            Count += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>All that has come, in one array, which is the caller's own.</summary>
    /// <exception cref="ProblemException">There is no memory left for it.</exception>
    public byte[] ToArray()
    {
        if (_full.Count > 0 || _filled < _last.Length)
        {
            Join(Count);
        }

        return _last;
    }

    private void Grow()
    {
        if (length is { } all && all > Count && (all <= LeastPiece || Count >= all / 2))
        {
            Join(all);
            return;
        }

        int size = Math.Clamp(_last.Length * 2, LeastPiece, MostPiece);
        share.Take(size);
        if (_filled > 0)
        {
            _full.Add(_last);
        }

        (_last, _filled) = (GC.AllocateUninitializedArray<byte>(size), 0);
    }

    /// <summary>Puts the pieces into one array; for this moment, and no longer, they are there beside it.</summary>
    private void Join(long size)
    {
        long held = _full.Sum(piece => (long)piece.Length) + _last.Length;
        if (size > held)
        {
            share.Take(size - held);
        }
        else
        {
            share.GiveBack(held - size);
        }

        byte[] joined = GC.AllocateUninitializedArray<byte>((int)size);
        int at = 0;
        foreach (byte[] piece in _full)
        {
            piece.CopyTo(joined, at);
            at += piece.Length;
        }

        _last.AsSpan(0, _filled).CopyTo(joined.AsSpan(at));
        _full.Clear();
        (_last, _filled) = (joined, at + _filled);
    }
}
