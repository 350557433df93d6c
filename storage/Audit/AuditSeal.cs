using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Generation.Storage.Accounts;

namespace Generation.Storage.Audit;

/// <summary>
/// The end of the audit log at some time, signed with the server's secret and stored outside the database. A log without that entry, or
/// with another in its place, was cut or rewritten.
/// </summary>
/// <param name="Id">The newest entry's id.</param>
/// <param name="Hash">Its hash, in hexadecimal.</param>
/// <param name="Secret">The id of the secret that it is signed with.</param>
/// <param name="Signature">HMAC-SHA256 over id and hash, in hexadecimal.</param>
public sealed partial record AuditSeal(long Id, string Hash, string Secret, string Signature)
{
    /// <summary>The document of the results store that holds the newest seal.</summary>
    public const string Document = "audit-seal";

    private const string Purpose = "audit seal";

    /// <summary>Signs the end of the log.</summary>
    public static AuditSeal Of(long id, string hash, KeySecret secret)
    {
        (string secretId, byte[] key) = secret.KeysFor(Purpose)[0];
        return new AuditSeal(id, hash, secretId, SignatureOf(id, hash, key));
    }

    /// <summary>Whether the seal was signed with one of the server's secrets.</summary>
    public bool IsGenuine(KeySecret secret) =>
        secret
            .KeysFor(Purpose)
            .Any(known =>
                known.Id == Secret
                && CryptographicOperations.FixedTimeEquals(
                    Encoding.ASCII.GetBytes(SignatureOf(Id, Hash, known.Key)),
                    Encoding.ASCII.GetBytes(Signature)
                )
            );

    /// <summary>The seal in one word, as it is written to logs: ID.HASH.SECRET.SIGNATURE.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Id}.{Hash}.{Secret}.{Signature}");

    /// <summary>Parses a seal in the form of <see cref="ToString"/>; null if the text is none.</summary>
    public static AuditSeal? Parse(string text) =>
        Form().Match(text.Trim()) is { Success: true } match
            ? new AuditSeal(
                long.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture),
                match.Groups["hash"].Value,
                match.Groups["secret"].Value,
                match.Groups["signature"].Value
            )
            : null;

    private static string SignatureOf(long id, string hash, byte[] key) =>
        Convert.ToHexStringLower(
            HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{hash}")))
        );

    [GeneratedRegex(
        "^(?<id>[0-9]{1,18})[.](?<hash>[0-9a-f]{64})[.](?<secret>[0-9a-f]{16})[.](?<signature>[0-9a-f]{64})$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex Form();
}
