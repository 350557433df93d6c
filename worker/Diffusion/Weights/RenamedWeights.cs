using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>Where a tensor of a <see cref="RenamedWeights"/> comes from.</summary>
/// <param name="Source">The key in the underlying source.</param>
public sealed record WeightPiece(string Source)
{
    /// <summary>Ranges of rows of the first axis, concatenated in this order; null for all rows.</summary>
    public IReadOnlyList<(long Start, long Count)>? Rows { get; init; }

    /// <summary>Whether the matrix is transposed.</summary>
    public bool Transposed { get; init; }

    /// <summary>Whether trailing axes of length one are dropped, which turns a 1x1 convolution into a matrix.</summary>
    public bool Squeezed { get; init; }
}

/// <summary>Another source under other names. A tensor without a new name keeps its old one, so that strict loading reports it.</summary>
public sealed class RenamedWeights : WeightSource
{
    private readonly WeightSource _source;
    private readonly IReadOnlyDictionary<string, WeightPiece> _pieces;
    private readonly bool _owns;

    /// <param name="pieces">The tensors by their new names.</param>
    /// <param name="owns">Whether disposing this disposes the source.</param>
    public RenamedWeights(WeightSource source, IReadOnlyDictionary<string, WeightPiece> pieces, bool owns)
    {
        _source = source;
        _pieces = pieces;
        _owns = owns;
    }

    public override string Path => _source.Path;

    public override IReadOnlyCollection<string> Names => [.. _pieces.Keys];

    public override bool Has(string name) => _pieces.ContainsKey(name);

    public override WeightEntry Entry(string name)
    {
        WeightPiece piece = Find(name);
        WeightEntry entry = _source.Entry(piece.Source);
        return new WeightEntry(name, entry.Dtype, Shape(piece, entry.Shape));
    }

    public override Tensor Read(string name, ScalarType? dtype = null)
    {
        using DisposeScope scope = NewDisposeScope();
        WeightPiece piece = Find(name);
        Tensor read = piece.Rows switch
        {
            null => _source.Read(piece.Source, dtype),
            [var one] => _source.ReadRows(piece.Source, one.Start, one.Count, dtype),
            var many => cat([.. many.Select(rows => _source.ReadRows(piece.Source, rows.Start, rows.Count, dtype))], 0),
        };
        if (piece.Transposed)
        {
            read = read.t().contiguous();
        }

        return read.view(Shape(piece, _source.Entry(piece.Source).Shape)).MoveToOuterDisposeScope();
    }

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null)
    {
        WeightPiece piece = Find(name);
        if (piece is { Rows: null, Transposed: false, Squeezed: false })
        {
            return _source.ReadRows(piece.Source, start, count, dtype);
        }

        using Tensor whole = Read(name, dtype);
        return whole.narrow(0, start, count).clone();
    }

    public override ReloadableTensor? Reloadable(string name, ScalarType? dtype = null, (long Start, long Count)? rows = null)
    {
        WeightPiece piece = Find(name);
        if (rows is not null || piece.Transposed || piece.Rows is { Count: > 1 })
        {
            return null;
        }

        long[] shape = Shape(piece, _source.Entry(piece.Source).Shape);
        return _source.Reloadable(piece.Source, dtype, piece.Rows?[0]) is { } stored
            ? stored with
            {
                Read = () => Reshaped(stored.Read(), shape),
            }
            : null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _owns)
        {
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    private static Tensor Reshaped(Tensor read, long[] shape)
    {
        using (read)
        {
            return read.view(shape);
        }
    }

    private static long[] Shape(WeightPiece piece, long[] stored)
    {
        long[] shape = [.. stored];
        if (piece.Rows is { } rows)
        {
            shape[0] = rows.Sum(range => range.Count);
        }

        if (piece.Transposed)
        {
            Array.Reverse(shape);
        }

        while (piece.Squeezed && shape.Length > 2 && shape[^1] == 1)
        {
            shape = shape[..^1];
        }

        return shape;
    }

    private WeightPiece Find(string name) => _pieces.TryGetValue(name, out WeightPiece? piece) ? piece : throw Missing(name);
}

/// <summary>A table of new names for a format's keys: patterns are tried in order, and the first that matches is used.</summary>
internal sealed class KeyMap(params (string Pattern, string Replacement)[] rules)
{
    private readonly (Regex Pattern, string Replacement)[] _rules =
    [
        .. rules.Select(rule =>
            (new Regex("^" + rule.Pattern + "$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)), rule.Replacement)
        ),
    ];

    /// <summary>Returns the new name, or null if no rule matches the key.</summary>
    public string? Rename(string key)
    {
        foreach ((Regex pattern, string replacement) in _rules)
        {
            Match match = pattern.Match(key);
            if (match.Success)
            {
                return match.Result(replacement);
            }
        }

        return null;
    }
}
