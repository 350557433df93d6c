using System.Text.RegularExpressions;

namespace Generation.Diagnostics.Logging;

/// <summary>
/// Removes from a text what no reader of logs or traces may have: values in the queries of addresses (signatures and keys travel there),
/// API keys, webhook secrets, credentials of headers and connection strings. Each becomes "…". The names before them stay.
/// </summary>
public static partial class Redaction
{
    private const string Hidden = "${name}…";
    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;
    private const int Limit = 5000;

    /// <summary>Returns the text without secrets; the same object if it has none.</summary>
    public static string Of(string text)
    {
        if (text.AsSpan().IndexOfAny('=', ':', '_') < 0 && !text.Contains("Bearer", StringComparison.OrdinalIgnoreCase))
        {
            return text;
        }

        text = Tokens().Replace(text, Hidden);
        text = Queries().Replace(text, Hidden);
        text = Passwords().Replace(text, Hidden);
        text = Schemes().Replace(text, Hidden);
        return Named().Replace(text, Hidden);
    }

    /// <summary>Keys and secrets of this system's own form, wherever they stand.</summary>
    [GeneratedRegex(@"(?<name>gk_|whsec_)[A-Za-z0-9+/_\-]{4,}=*", Options, Limit)]
    private static partial Regex Tokens();

    /// <summary>?name=value and &amp;name=value, also where JSON has written the ampersand as \u0026.</summary>
    [GeneratedRegex("""(?<name>([?&]|\\u0026)[^\s=&?"'<>\\]{1,200}=)[^\s&"'<>\\]+""", Options, Limit)]
    private static partial Regex Queries();

    /// <summary>scheme://user:password@host.</summary>
    [GeneratedRegex("""(?<name>://[^\s:/@"'\\]{0,200}:)[^\s/@"'\\]{1,1000}(?=@)""", Options, Limit)]
    private static partial Regex Passwords();

    /// <summary>The credentials of an Authorization header.</summary>
    [GeneratedRegex(@"(?<name>\b(Bearer|Basic) +)[A-Za-z0-9._~+/\-]{8,}=*", Options | RegexOptions.IgnoreCase, Limit)]
    private static partial Regex Schemes();

    /// <summary>Password=value, X-Api-Key: value, Signature=value and the like, plain or in JSON.</summary>
    [GeneratedRegex(
        """
            (?<name>\b(password|passwd|pwd|secret|(x-)?(api|access|secret)[-_]?key|signature|credential)
            (\\u0022|["'\s])*[:=](\\u0022|["'\s\[])*)[^\s;,"'&<>\\\]}…]+
            """,
        Options | RegexOptions.IgnoreCase | RegexOptions.IgnorePatternWhitespace,
        Limit
    )]
    private static partial Regex Named();
}
