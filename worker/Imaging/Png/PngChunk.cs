using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Generation.Imaging.Png;

/// <summary>One chunk of a PNG file, and where its data is. PNG specification, third edition, section 5.</summary>
internal readonly record struct PngChunk(string Type, int Offset, int Length)
{
    public const int Overhead = 12;

    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Whether the chunk is critical: a decoder that does not know it cannot show the picture.</summary>
    public bool IsCritical => char.IsAsciiLetterUpper(Type[0]);

    public ReadOnlySpan<byte> Data(ReadOnlySpan<byte> file) => file.Slice(Offset, Length);

    /// <summary>The chunk with its length, type and checksum.</summary>
    public ReadOnlySpan<byte> Whole(ReadOnlySpan<byte> file) => file.Slice(Offset - 8, Length + Overhead);

    /// <summary>
    /// Reads the chunk at <paramref name="position"/> and checks its length and type, and for critical chunks the checksum; see
    /// <see cref="IsWhole"/> for the others.
    /// </summary>
    public static PngChunk Read(ReadOnlySpan<byte> file, int position)
    {
        int left = file.Length - position;
        if (left < Overhead)
        {
            throw Damaged($"it ends within a chunk's frame, at byte {file.Length}");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(file[position..]);
        ReadOnlySpan<byte> typeBytes = file.Slice(position + 4, 4);
        foreach (byte letter in typeBytes)
        {
            if (!char.IsAsciiLetter((char)letter))
            {
                throw Damaged($"the chunk at byte {position} has no valid type");
            }
        }

        string type = Encoding.ASCII.GetString(typeBytes);
        if (length > left - Overhead)
        {
            throw Damaged($"the {type} chunk at byte {position} says {length} bytes, but the file ends after {left - Overhead}");
        }

        var chunk = new PngChunk(type, position + 8, (int)length);
        if (chunk.IsCritical && !chunk.IsWhole(file))
        {
            throw Damaged($"the checksum of the {type} chunk at byte {position} is wrong");
        }

        return chunk;
    }

    /// <summary>Whether the checksum is right. Where it is wrong in a chunk that is not critical, only that chunk is ignored.</summary>
    public bool IsWhole(ReadOnlySpan<byte> file) =>
        BinaryPrimitives.ReadUInt32BigEndian(file[(Offset + Length)..]) == Crc32.HashToUInt32(file.Slice(Offset - 4, Length + 4));

    /// <summary>Writes a whole chunk.</summary>
    public static void Write(Stream to, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> frame = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(frame, data.Length);
        to.Write(frame);
        to.Write(type);
        to.Write(data);
        var checksum = new Crc32();
        checksum.Append(type);
        checksum.Append(data);
        BinaryPrimitives.WriteUInt32BigEndian(frame, checksum.GetCurrentHashAsUInt32());
        to.Write(frame);
    }

    public static PictureException Damaged(string what) => new(PictureFault.Damaged, $"The PNG file is damaged: {what}.");
}
