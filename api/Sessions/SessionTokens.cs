using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Generation.Api.Authentication;
using Generation.Storage.Accounts;
using Microsoft.AspNetCore.WebUtilities;

namespace Generation.Api.Sessions;

/// <summary>
/// Seals a key into a token and opens it again: AES-256-GCM under a key derived from the server's secret, so that every API process opens
/// what another has sealed, before and after a restart, and whoever finds a token learns no key. What was sealed for one purpose does not
/// open for another.
/// </summary>
internal sealed class SessionTokens(KeySecret secret, TimeProvider time)
{
    /// <summary>For the cookie of a session.</summary>
    public const string Session = "session";

    /// <summary>For a link that opens a session.</summary>
    public const string Link = "session link";

    /// <summary>Longer ones are not looked at.</summary>
    private const int MaxLength = 512;

    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int IdBytes = 16;
    private const int TimeBytes = 8;

    /// <summary>A token with a key in it, and what the token says.</summary>
    public (string Token, SessionKey Content) Seal(string purpose, string key, TimeSpan lifetime)
    {
        // Whole seconds, as they are read again
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds((time.GetUtcNow() + lifetime).ToUnixTimeSeconds());
        var content = new SessionKey(key, Guid.NewGuid(), expiresAt);
        byte[] plain = new byte[TimeBytes + IdBytes + Encoding.UTF8.GetByteCount(key)];
        BinaryPrimitives.WriteInt64BigEndian(plain, expiresAt.ToUnixTimeSeconds());
        content.SessionId.TryWriteBytes(plain.AsSpan(TimeBytes));
        Encoding.UTF8.GetBytes(key, plain.AsSpan(TimeBytes + IdBytes));

        byte[] token = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(token.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(secret.KeysFor(purpose)[0].Key, TagBytes);
        aes.Encrypt(token.AsSpan(0, NonceBytes), plain, token.AsSpan(NonceBytes, plain.Length), token.AsSpan(NonceBytes + plain.Length));
        return (WebEncoders.Base64UrlEncode(token), content);
    }

    /// <summary>What a token holds; null where it is none of ours, was changed, is for another purpose, or has expired.</summary>
    public SessionKey? Open(string purpose, string token)
    {
        if (token.Length > MaxLength || !TryDecode(token, out byte[] bytes) || bytes.Length < NonceBytes + TimeBytes + IdBytes + TagBytes)
        {
            return null;
        }

        // Once more where the secret was replaced: another process may have sealed it under the new one
        do
        {
            foreach ((_, byte[] key) in secret.KeysFor(purpose))
            {
                if (TryOpen(key, bytes) is { } content)
                {
                    return content.ExpiresAt > time.GetUtcNow() ? content : null;
                }
            }
        } while (secret.Refresh());
        return null;
    }

    private static SessionKey? TryOpen(byte[] key, byte[] token)
    {
        byte[] plain = new byte[token.Length - NonceBytes - TagBytes];
        try
        {
            using var aes = new AesGcm(key, TagBytes);
            aes.Decrypt(token.AsSpan(0, NonceBytes), token.AsSpan(NonceBytes, plain.Length), token.AsSpan(^TagBytes..), plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return new SessionKey(
            Encoding.UTF8.GetString(plain.AsSpan(TimeBytes + IdBytes)),
            new Guid(plain.AsSpan(TimeBytes, IdBytes)),
            DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadInt64BigEndian(plain))
        );
    }

    private static bool TryDecode(string token, out byte[] bytes)
    {
        try
        {
            bytes = WebEncoders.Base64UrlDecode(token);
            return true;
        }
        catch (FormatException)
        {
            bytes = [];
            return false;
        }
    }
}
