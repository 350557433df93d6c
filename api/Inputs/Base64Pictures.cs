using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Generation.Api.Inputs;

/// <summary>
/// Base64 in the forms that browsers and libraries write: bare or as a data URI, which is a URL and may be percent-encoded; of either
/// alphabet (RFC 4648, sections 4 and 5), with or without padding, with white space. WHATWG Fetch, "data: URLs"; Infra, "forgiving-base64
/// decode". It is decoded where it lies, so that a picture takes no memory beside the body that brought it.
/// </summary>
internal static class Base64Pictures
{
    private const int MaxTypeLength = 1000;

    private static ReadOnlySpan<byte> Mark => "base64"u8;

    /// <summary>Decodes a text.</summary>
    /// <exception cref="FormatException">The text has another form; the message goes on after what it is about.</exception>
    /// <exception cref="InputException">It has more bytes than <paramref name="maxBytes"/>.</exception>
    public static Memory<byte> Decode(string value, long maxBytes) => Decode(Encoding.UTF8.GetBytes(value), isEscaped: false, maxBytes);

    /// <summary>Decodes a text in UTF-8, which is overwritten.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isEscaped">Whether it is the inside of a JSON string, with escapes in it.</param>
    /// <param name="maxBytes">Most bytes that it may stand for.</param>
    /// <returns>The bytes, in the memory of <paramref name="text"/>.</returns>
    /// <exception cref="FormatException">The text has another form; the message goes on after what it is about.</exception>
    /// <exception cref="InputException">It has more bytes than <paramref name="maxBytes"/>.</exception>
    public static Memory<byte> Decode(Memory<byte> text, bool isEscaped, long maxBytes)
    {
        if (isEscaped)
        {
            text = Unescape(text);
        }

        // Four characters for three bytes, and three for one where all are percent-encoded
        Check(text.Length / 4, maxBytes);
        if (IsData(text.Span))
        {
            text = DataOf(text);
        }

        Span<byte> digits = text.Span;
        int count = 0;
        int padding = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            byte digit = digits[i];
            if (char.IsAsciiLetterOrDigit((char)digit) && padding == 0)
            {
                digits[count++] = digit;
                continue;
            }

            switch (digit)
            {
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'\f':
                    break;
                case (byte)'=':
                    padding++;
                    break;
                case (byte)'+' or (byte)'-' when padding == 0:
                    digits[count++] = (byte)'+';
                    break;
                case (byte)'/' or (byte)'_' when padding == 0:
                    digits[count++] = (byte)'/';
                    break;
                default:
                    throw new FormatException($"is base64 with a wrong character, '{CharacterAt(digits, i)}', at {i + 1}");
            }
        }

        if (count % 4 == 1 || padding > 2 || (padding > 0 && (count + padding) % 4 != 0))
        {
            throw new FormatException($"is base64 of a wrong length: {count} characters, and {padding} of padding");
        }

        Check(count / 4L * 3, maxBytes);
        int whole = count / 4 * 4;
        Base64.DecodeFromUtf8InPlace(digits[..whole], out int written);
        if (count == whole)
        {
            return text[..written];
        }

        // Two or three digits are left, with their padding: it may lie behind the end of the text
        Span<byte> last = [(byte)'=', (byte)'=', (byte)'=', (byte)'='];
        digits[whole..count].CopyTo(last);
        return Base64.DecodeFromUtf8InPlace(last, out int more) == OperationStatus.Done && last[..more].TryCopyTo(digits[written..])
            ? text[..(written + more)]
            : throw new FormatException("is base64 whose last character stands for no byte");
    }

    /// <summary>Whether a text is a data URI.</summary>
    public static bool IsData(ReadOnlySpan<byte> text) => text.Length >= 5 && Ascii.EqualsIgnoreCase(text[..5], "data:"u8);

    /// <summary>What stands behind the comma of a data URI.</summary>
    private static Memory<byte> DataOf(Memory<byte> uri)
    {
        int comma = uri.Span.IndexOf((byte)',');
        if (comma is < 0 or > MaxTypeLength || !IsBase64(Unpercent(uri[..comma]).Span))
        {
            throw new FormatException("is a data URI without ';base64,'");
        }

        return Unpercent(uri[(comma + 1)..]);

        static bool IsBase64(ReadOnlySpan<byte> type)
        {
            type = type.TrimEnd((byte)' ');
            return type.Length >= Mark.Length
                && Ascii.EqualsIgnoreCase(type[^Mark.Length..], Mark)
                && type[..^Mark.Length].TrimEnd((byte)' ').EndsWith(";"u8);
        }
    }

    /// <summary>Decodes percent signs in place; one without two digits stays as it is.</summary>
    private static Memory<byte> Unpercent(Memory<byte> text)
    {
        Span<byte> bytes = text.Span;
        int to = bytes.IndexOf((byte)'%');
        if (to < 0)
        {
            return text;
        }

        for (int from = to; from < bytes.Length; from++)
        {
            if (bytes[from] == '%' && from + 2 < bytes.Length && TryHex(bytes.Slice(from + 1, 2), out int value))
            {
                bytes[to++] = (byte)value;
                from += 2;
            }
            else
            {
                bytes[to++] = bytes[from];
            }
        }

        return text[..to];
    }

    /// <summary>Takes the escapes out of the inside of a JSON string, in place. What is no ASCII becomes '?', which is no base64.</summary>
    private static Memory<byte> Unescape(Memory<byte> text)
    {
        Span<byte> bytes = text.Span;
        int to = 0;
        for (int from = 0; from < bytes.Length; from++)
        {
            if (bytes[from] != '\\')
            {
                bytes[to++] = bytes[from];
                continue;
            }

            from++;
            byte escape = from < bytes.Length ? bytes[from] : (byte)'?';
            if (escape == 'u')
            {
                bytes[to++] =
                    from + 4 < bytes.Length && TryHex(bytes.Slice(from + 1, 4), out int value) && value < 0x80 ? (byte)value : (byte)'?';
                from += 4;
            }
            else
            {
                bytes[to++] = escape switch
                {
                    (byte)'n' => (byte)'\n',
                    (byte)'r' => (byte)'\r',
                    (byte)'t' => (byte)'\t',
                    (byte)'f' => (byte)'\f',
                    (byte)'b' => (byte)'?',
                    _ => escape,
                };
            }
        }

        return text[..to];
    }

    private static bool TryHex(ReadOnlySpan<byte> digits, out int value) =>
        int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static string CharacterAt(ReadOnlySpan<byte> text, int at) =>
        Rune.DecodeFromUtf8(text[at..], out Rune rune, out _) == OperationStatus.Done ? rune.ToString() : "\uFFFD";

    private static void Check(long bytes, long maxBytes)
    {
        if (bytes > maxBytes)
        {
            throw new InputException($"may have {maxBytes} bytes at most");
        }
    }
}
