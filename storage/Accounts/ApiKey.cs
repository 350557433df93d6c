using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Generation.Storage.Accounts;

/// <summary>
/// The form of API keys: "gk_", 256 random bits as 43 base-62 digits, and a checksum of 6 digits (of the SHA-256 of what precedes it),
/// which tells a mistyped or truncated key from an unknown one without asking the database.
/// </summary>
public static class ApiKey
{
    private const string Prefix = "gk_";
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomDigits = 43;
    private const int ChecksumDigits = 6;

    /// <summary>Length of every key in characters.</summary>
    public const int Length = 3 + RandomDigits + ChecksumDigits;

    /// <summary>How many characters of a key are shown to tell it from others.</summary>
    public const int ShownLength = 9;

    public static string New()
    {
        byte[] random = RandomNumberGenerator.GetBytes(32);
        string body = Prefix + Encode(new BigInteger(random, isUnsigned: true), RandomDigits);
        return body + Checksum(body);
    }

    /// <summary>Whether <paramref name="key"/> has the right form and the right checksum.</summary>
    public static bool IsWellFormed(string key) =>
        key.Length == Length
        && key.StartsWith(Prefix, StringComparison.Ordinal)
        && key[^ChecksumDigits..] == Checksum(key[..^ChecksumDigits]);

    private static string Checksum(string body) =>
        Encode(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(body))), ChecksumDigits);

    private static string Encode(BigInteger value, int length)
    {
        Span<char> text = stackalloc char[length];
        for (int i = length - 1; i >= 0; i--)
        {
            value = BigInteger.DivRem(value, Digits.Length, out BigInteger digit);
            text[i] = Digits[(int)digit];
        }

        return new string(text);
    }
}
