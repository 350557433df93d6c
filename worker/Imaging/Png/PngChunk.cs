using System.Buffers.Binary;
using System.Text;

namespace Generation.Imaging.Png;

/// <summary>One chunk of a PNG file: where its data lies in the file. PNG specification, third edition, section 5.</summary>
internal readonly record struct PngChunk(string Type, int Offset, int Length)
{
    public const int Overhead = 12;

    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>A decoder that does not know a critical chunk cannot show the picture.</summary>
    public bool IsCritical => char.IsAsciiLetterUpper(Type[0]);

    public ReadOnlySpan<byte> Data(ReadOnlySpan<byte> file) => file.Slice(Offset, Length);

    /// <summary>The chunk with its length, type and checksum.</summary>
    public ReadOnlySpan<byte> Whole(ReadOnlySpan<byte> file) => file.Slice(Offset - 8, Length + Overhead);

    /// <summary>Reads the chunk at <paramref name="position"/> and checks its frame and checksum.</summary>
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
        uint told = BinaryPrimitives.ReadUInt32BigEndian(file[(chunk.Offset + chunk.Length)..]);
        if (told != Checksum(file.Slice(position + 4, chunk.Length + 4)))
        {
            throw Damaged($"the checksum of the {type} chunk at byte {position} is wrong");
        }

        return chunk;
    }

    /// <summary>Writes a whole chunk.</summary>
    public static void Write(Stream to, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] whole = new byte[data.Length + Overhead];
        BinaryPrimitives.WriteInt32BigEndian(whole, data.Length);
        type.CopyTo(whole.AsSpan(4));
        data.CopyTo(whole.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(whole.AsSpan(data.Length + 8), Checksum(whole.AsSpan(4, data.Length + 4)));
        to.Write(whole);
    }

    public static PictureException Damaged(string what) => new(PictureFault.Damaged, $"The PNG file is damaged: {what}.");

    private static unsafe uint Checksum(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            return (uint)LibPng.Crc32(0, first, (uint)bytes.Length);
        }
    }
}
