using System.Text;

namespace Generation.Fuzzing;

/// <summary>Makes wrong inputs of right ones, the same ones for the same seed.</summary>
/// <param name="random">Where chance comes from.</param>
public sealed class Mutator(Random random)
{
    private static readonly byte[] Bytes =
    [
        0,
        1,
        0x7F,
        0x80,
        0xFF,
        (byte)'"',
        (byte)'\\',
        (byte)'{',
        (byte)'}',
        (byte)'[',
        (byte)']',
        (byte)'%',
    ];

    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "\"",
            "\\u0000",
            "\\ud800",
            "[[[[[[[[",
            "{\"a\":",
            "}}",
            "null",
            "true",
            "-0",
            "1e400",
            "1e-140000",
            "99999999999999999999",
            "NaN",
            "\r\n",
            "\r\n\r\n",
            "--x",
            "--x--",
            "%00",
            "%",
            "&",
            "=",
            ",",
            ":",
            "(((",
            ")))",
            "<lora:a:1>",
            "AND",
            "BREAK",
            "\uFEFF",
            "🍎",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF, 0xD8, 0xFF, 0xC0],
        [0xFF, 0xFF, 0xFF, 0x7F],
        [0x00, 0x00, 0x00, 0x80],
        [0xED, 0xA0, 0x80],
        [0xC0, 0x80],
    ];

    /// <summary>Values that programs trip over, as JSON.</summary>
    private static readonly string[] Values =
    [
        "null",
        "true",
        "0",
        "-1",
        "1",
        "2",
        "0.5",
        "-0",
        "1e400",
        "1e140000",
        "-1e-140000",
        "99999999999",
        "9223372036854775808",
        "25.0",
        "\"\"",
        "\" \"",
        "\"a\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\uFFFF\"",
        "\"null\"",
        "\"NaN\"",
        "\"1e400\"",
        "\"-1\"",
        "\"٣\"",
        "\"0x10\"",
        "[]",
        "[[]]",
        "[null]",
        "[1,1,1]",
        "{}",
        "{\"\":1}",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "{\"\\ud800\":1}",
        "{\"\\u0000\":1}",
        "\"http://127.0.0.1/\"",
        "\"http://[::1]:1/\"",
        "\"https://////\"",
        "\"http://a@b/\"",
        "\"http://\\u0000\"",
        "\"s3://a/b\"",
        "\"file:///\"",
        "\"data:image/png;base64,\"",
        "\"data:,\"",
        "\"data:image/png;base64,iVBORw0KGgo=\"",
        "\"iVBORw0KGgo\"",
        "\"upl_\"",
        "\"upl_00000000000000000000000000000000\"",
        "\"/v1/jobs/00000000-0000-0000-0000-000000000000/outputs/٣\"",
        "\"/api/files/upl_00000000000000000000000000000000.png\"",
        "\"0001-01-01T00:00:00+14:00\"",
        "\"9999-12-31T23:59:59-14:00\"",
        "\"auto\"",
        "\"1024x1024\"",
        "\"0x0\"",
        "\"99999999999x1\"",
        "\"png\"",
        "\"demo\"",
        "\"../../etc/passwd\"",
        "\"((((((((((\"",
    ];

    /// <summary>The source of chance.</summary>
    public Random Random => random;

    /// <summary>One of some.</summary>
    public T Of<T>(IReadOnlyList<T> some) => some[random.Next(some.Count)];

    /// <summary>Whether something happens that does once in so many times.</summary>
    public bool Once(int times) => random.Next(times) == 0;

    /// <summary>A value that programs trip over, as JSON.</summary>
    public string Value() => Once(40) ? $"\"{new string('x', random.Next(1, 70_000))}\"" : Of(Values);

    /// <summary>The same as bare text.</summary>
    public string Text() => Value().Trim('"').Replace("\\u0000", "\0").Replace("\\ud800", "\uFFFD");

    /// <summary>Changes bytes in one to some places, within a buffer of its own.</summary>
    /// <param name="input">A right input, or a part of one.</param>
    /// <returns>The changed bytes.</returns>
    public byte[] Change(ReadOnlySpan<byte> input)
    {
        int changes = 1 + (Once(2) ? 0 : random.Next(4));
        byte[] bytes = input.ToArray();
        for (int i = 0; i < changes; i++)
        {
            bytes = ChangeOnce(bytes);
        }

        return bytes;
    }

    private byte[] ChangeOnce(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return [.. Of(Pieces)];
        }

        int at = random.Next(bytes.Length);
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = Of(Bytes);
                return bytes;
            case 2:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 3:
                return [.. bytes[..at], .. Of(Pieces), .. bytes[at..]];
            case 4:
                return bytes[..at];
            case 5:
                return [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..]];
            case 6:
            {
                // Once more what stands there
                byte[] piece = bytes[at..random.Next(at, bytes.Length)];
                return bytes.Length > 1 << 16 ? bytes : [.. bytes[..at], .. piece, .. piece, .. bytes[at..]];
            }

            case 7:
            {
                byte[] piece = Of(Pieces);
                piece.AsSpan(0, Math.Min(piece.Length, bytes.Length - at)).CopyTo(bytes.AsSpan(at));
                return bytes;
            }

            default:
                // A number of four bytes: lengths and offsets of files
                if (at + 4 <= bytes.Length)
                {
                    BitConverter.TryWriteBytes(
                        bytes.AsSpan(at),
                        Of([0, 1, -1, int.MaxValue, int.MinValue, 0x7FFF, 0x10000, random.Next()])
                    );
                }

                return bytes;
        }
    }
}
