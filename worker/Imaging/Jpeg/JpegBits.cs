using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Generation.Imaging.Jpeg;

/// <summary>Reads the bits of a scan's data between two markers, without the zeros after 0xFF. ITU-T T.81, section F.2.2.5.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _at;

    /// <summary>The next bits, from the highest on, followed by zeros.</summary>
    private ulong _held;
    private int _count;

    /// <summary>How many of the held bits are beyond the data's end.</summary>
    private int _beyond;

    /// <summary>Reads a code of <paramref name="table"/> and returns its symbol.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Symbol(HuffmanTable table)
    {
        if (_count < 32)
        {
            Fill();
        }

        int code = table.Look((int)(_held >> 48));
        if (code == 0)
        {
            throw JpegCodec.Damaged(_beyond > 0 ? "its picture data ends early" : "its picture data has a code that does not exist");
        }

        Skip(code >> 8);
        return code & 255;
    }

    /// <summary>Skips up to 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int bits)
    {
        if (_count < bits)
        {
            Fill();
        }

        _held <<= bits;
        _count -= bits;
        if (_count < _beyond)
        {
            throw JpegCodec.Damaged("its picture data ends early");
        }
    }

    /// <summary>Reads the next 0 to 16 bits as a number.</summary>
    public int Take(int bits)
    {
        if (_count < bits)
        {
            Fill();
        }

        int value = (int)((_held >> 32) >> (32 - bits));
        Skip(bits);
        return value;
    }

    /// <summary>Continues behind the next restart marker.</summary>
    public void Restart()
    {
        while (true)
        {
            int next = _data[_at..].IndexOf((byte)0xFF);
            if (next < 0 || _at + next + 1 >= _data.Length)
            {
                throw JpegCodec.Damaged("its picture data ends early");
            }

            _at += next + 1;
            if (_data[_at] is >= 0xD0 and <= 0xD7)
            {
                break;
            }
        }

        _at++;
        (_held, _count, _beyond) = (0, 0, 0);
    }

    private void Fill()
    {
        if (_at + 8 <= _data.Length)
        {
            ulong eight = BinaryPrimitives.ReadUInt64BigEndian(_data[_at..]);
            // None of the eight is 0xFF: no byte of the complement is zero
            if (((~eight - 0x0101_0101_0101_0101) & eight & 0x8080_8080_8080_8080) == 0)
            {
                // Bits beyond the whole bytes are the next bytes' own: to set them again changes nothing
                _held |= eight >> _count;
                int bytes = (64 - _count) / 8;
                _at += bytes;
                _count += bytes * 8;
                return;
            }
        }

        for (; _count <= 56; _count += 8)
        {
            if (_at < _data.Length && Next() is >= 0 and var next)
            {
                _held |= (ulong)next << (56 - _count);
            }
            else
            {
                _beyond += 8;
            }
        }
    }

    /// <summary>Reads the next byte of data. Returns -1 at a marker, which is not read.</summary>
    private int Next()
    {
        if (_data[_at] != 0xFF)
        {
            return _data[_at++];
        }

        int zero = _at + 1;
        while (zero < _data.Length && _data[zero] == 0xFF)
        {
            zero++;
        }

        if (zero >= _data.Length || _data[zero] != 0)
        {
            return -1;
        }

        _at = zero + 1;
        return 0xFF;
    }
}
