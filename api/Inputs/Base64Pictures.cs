namespace Generation.Api.Inputs;

/// <summary>
/// Base64 in the forms that browsers and libraries write: bare or as a data URI, which is a URL and may be percent-encoded; of either
/// alphabet (RFC 4648, sections 4 and 5), with or without padding, with white space. WHATWG Fetch, "data: URLs"; Infra, "forgiving-base64
/// decode".
/// </summary>
internal static class Base64Pictures
{
    private const string Mark = "base64";

    /// <exception cref="FormatException">The text has another form; the message goes on after what it is about.</exception>
    /// <exception cref="InputException">It has more bytes than <paramref name="maxBytes"/>.</exception>
    public static byte[] Decode(string value, long maxBytes)
    {
        // Four characters for three bytes, and three for one where all are percent-encoded
        Check(value.Length / 4, maxBytes);
        string text = value.StartsWith("data:", StringComparison.OrdinalIgnoreCase) ? DataOf(value) : value;
        char[] digits = new char[text.Length + 2];
        int count = 0;
        int padding = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char digit = text[i] switch
            {
                '-' => '+',
                '_' => '/',
                var other => other,
            };
            if (digit is ' ' or '\t' or '\r' or '\n' or '\f')
            {
                continue;
            }

            if (digit == '=')
            {
                padding++;
            }
            else if (padding == 0 && (char.IsAsciiLetterOrDigit(digit) || digit is '+' or '/'))
            {
                digits[count++] = digit;
            }
            else
            {
                throw new FormatException($"is base64 with a wrong character, '{text[i]}', at {i + 1}");
            }
        }

        if (count % 4 == 1 || padding > 2 || (padding > 0 && (count + padding) % 4 != 0))
        {
            throw new FormatException($"is base64 of a wrong length: {count} characters, and {padding} of padding");
        }

        Check(count / 4 * 3, maxBytes);
        int whole = (count + 3) / 4 * 4;
        digits.AsSpan(count, whole - count).Fill('=');
        return Convert.FromBase64CharArray(digits, 0, whole);
    }

    /// <summary>What stands behind the comma of a data URI.</summary>
    private static string DataOf(string uri)
    {
        int comma = uri.IndexOf(',', StringComparison.Ordinal);
        string type = comma < 0 ? "" : Uri.UnescapeDataString(uri[..comma]).TrimEnd(' ');
        return type.EndsWith(Mark, StringComparison.OrdinalIgnoreCase) && type[..^Mark.Length].TrimEnd(' ').EndsWith(';')
            ? Uri.UnescapeDataString(uri[(comma + 1)..])
            : throw new FormatException("is a data URI without ';base64,'");
    }

    private static void Check(long bytes, long maxBytes)
    {
        if (bytes > maxBytes)
        {
            throw new InputException($"may have {maxBytes} bytes at most");
        }
    }
}
