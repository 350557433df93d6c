using System.Buffers.Binary;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// The parts of a SentencePiece model file (spiece.model), a protocol buffer, that a unigram tokenizer needs. Field numbers are those of
/// sentencepiece_model.proto; unknown fields are skipped.
/// </summary>
internal sealed record SentencePieceFile
{
    public required UnigramPiece[] Pieces { get; init; }

    /// <summary>The id of the unknown piece.</summary>
    public required int Unknown { get; init; }

    public bool ByteFallback { get; init; }

    public bool WhiteSpaceIsSuffix { get; init; }

    public CharsMap? CharsMap { get; init; }

    public bool AddDummyPrefix { get; init; } = true;

    public bool RemoveExtraWhiteSpace { get; init; } = true;

    public bool EscapeWhiteSpace { get; init; } = true;

    /// <summary>Reads the file.</summary>
    /// <param name="data">Its bytes.</param>
    /// <param name="path">What it is called in messages.</param>
    /// <exception cref="TokenizerException">
    /// The file is not a SentencePiece model, is damaged, or is of another type than unigram.
    /// </exception>
    public static SentencePieceFile Read(byte[] data, string path)
    {
        var pieces = new List<UnigramPiece>();
        var trainer = new Dictionary<int, long>();
        var normalizer = new Dictionary<int, long>();
        byte[] charsMap = [];
        try
        {
            var model = new Message(data);
            while (model.Next())
            {
                switch (model.Field)
                {
                    case 1:
                        pieces.Add(ReadPiece(model.Bytes));
                        break;
                    case 2:
                        ReadNumbers(model.Bytes, trainer, ref charsMap);
                        break;
                    case 3:
                        ReadNumbers(model.Bytes, normalizer, ref charsMap);
                        break;
                }
            }
        }
        catch (InvalidDataException e)
        {
            throw new TokenizerException($"{path}: not a SentencePiece model ({e.Message}).", e);
        }

        int unknown = pieces.FindIndex(piece => piece.Kind == PieceKind.Unknown);
        if (unknown < 0)
        {
            throw new TokenizerException($"{path}: not a SentencePiece model ({pieces.Count} pieces, none of them for the unknown).");
        }

        long kind = trainer.GetValueOrDefault(3, 1);
        if (kind != 1)
        {
            throw new TokenizerException($"{path}: model type {kind} is not unigram (1).");
        }

        CharsMap? map;
        try
        {
            map = charsMap.Length == 0 ? null : new CharsMap(charsMap);
        }
        catch (TokenizerException e)
        {
            throw new TokenizerException($"{path}: {e.Message}", e);
        }

        return new SentencePieceFile
        {
            Pieces = [.. pieces],
            Unknown = unknown,
            ByteFallback = trainer.GetValueOrDefault(35) != 0,
            WhiteSpaceIsSuffix = trainer.GetValueOrDefault(24) != 0,
            CharsMap = map,
            AddDummyPrefix = normalizer.GetValueOrDefault(3, 1) != 0,
            RemoveExtraWhiteSpace = normalizer.GetValueOrDefault(4, 1) != 0,
            EscapeWhiteSpace = normalizer.GetValueOrDefault(5, 1) != 0,
        };
    }

    private static UnigramPiece ReadPiece(ReadOnlySpan<byte> data)
    {
        string text = "";
        float score = 0;
        PieceKind kind = PieceKind.Normal;
        var piece = new Message(data);
        while (piece.Next())
        {
            switch (piece.Field)
            {
                case 1:
                    text = Encoding.UTF8.GetString(piece.Bytes);
                    break;
                case 2:
                    score = BitConverter.Int32BitsToSingle((int)piece.Number);
                    break;
                case 3:
                    kind = (PieceKind)piece.Number;
                    break;
            }
        }

        return new UnigramPiece(text, score, kind);
    }

    // Field 2 is a file name in the trainer's message, which comes first, and the character map in the normaliser's
    private static void ReadNumbers(ReadOnlySpan<byte> data, Dictionary<int, long> numbers, ref byte[] second)
    {
        var message = new Message(data);
        while (message.Next())
        {
            if (message.Field == 2)
            {
                second = message.Bytes.ToArray();
            }
            else if (message.IsNumber)
            {
                numbers[message.Field] = message.Number;
            }
        }
    }

    /// <summary>Walks over the fields of a protocol buffer message.</summary>
    private ref struct Message(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _rest = data;

        public int Field { get; private set; }

        public bool IsNumber { get; private set; }

        public long Number { get; private set; }

        public ReadOnlySpan<byte> Bytes { get; private set; }

        public bool Next()
        {
            if (_rest.IsEmpty)
            {
                return false;
            }

            long key = Varint();
            Field = (int)(key >> 3);
            IsNumber = (key & 7) != 2;
            Bytes = [];
            switch (key & 7)
            {
                case 0:
                    Number = Varint();
                    break;
                case 1:
                    Number = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
                    break;
                case 2:
                    Bytes = Take(Varint());
                    break;
                case 5:
                    Number = BinaryPrimitives.ReadInt32LittleEndian(Take(4));
                    break;
                default:
                    throw new InvalidDataException($"wire type {key & 7}");
            }

            return true;
        }

        private long Varint()
        {
            long value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                byte b = Take(1)[0];
                value |= (long)(b & 0x7F) << shift;
                if (b < 0x80)
                {
                    return value;
                }
            }

            throw new InvalidDataException("a number of more than 64 bits");
        }

        private ReadOnlySpan<byte> Take(long count)
        {
            if (count < 0 || count > _rest.Length)
            {
                throw new InvalidDataException($"it ends {count - _rest.Length} bytes early");
            }

            ReadOnlySpan<byte> taken = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return taken;
        }
    }
}
