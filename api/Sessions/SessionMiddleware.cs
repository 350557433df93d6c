using System.Diagnostics.CodeAnalysis;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Storage.Redis;
using Generation.Storage.Sessions;
using Microsoft.Extensions.Caching.Memory;

namespace Generation.Api.Sessions;

/// <summary>
/// Lets a session's cookie stand for the key that the session was opened with, where a request brings no key of its own. From then on the
/// request is that of any caller with that key. A page of another origin cannot make use of the cookie: SameSite keeps it at home, and
/// beyond that a call that changes something must come from our own origin and carry a header that no form can send.
/// </summary>
internal sealed class SessionMiddleware(RequestDelegate next, SessionTokens tokens, SpentTokens spent, IMemoryCache cache)
{
    /// <summary>The header without which a call by a session changes nothing. Its value is 1.</summary>
    public const string Header = "X-Generation-Session";

    /// <summary>How long it is remembered that a session was not signed out.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromMilliseconds(800);

    public Task InvokeAsync(HttpContext http)
    {
        HttpRequest request = http.Request;
        return
            request.Headers.Cookie.Count > 0
            && KeyAuthenticationHandler.KeyOf(request) is null
            && SessionCookie.Read(request) is { } token
            && tokens.Open(SessionTokens.Session, token) is { } session
            ? GoOnAsync(http, session)
            : next(http);
    }

    private async Task GoOnAsync(HttpContext http, SessionKey session)
    {
        if (!IsOwn(http.Request, out string? why))
        {
            throw new ProblemException(403, "cross_site_request", why);
        }

        if (!await IsSpentAsync(session.SessionId, http.RequestAborted))
        {
            http.Features.Set(session);
        }

        await next(http);
    }

    /// <summary>Whether a request comes from a page of our own, as far as it matters for what it does.</summary>
    private static bool IsOwn(HttpRequest request, [NotNullWhen(false)] out string? why)
    {
        bool changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method);
        why =
            changes && request.Headers[Header] != "1" ? $"A call by a session that changes something needs the header '{Header}: 1'."
            : SameOrigin(request, changes) ? null
            : "A session's cookie counts for calls of this system's own page only, and this one came from another.";
        return why is null;
    }

    /// <summary>Whether the browser says that the page is ours.</summary>
    /// <param name="request">The request.</param>
    /// <param name="changes">Whether it changes something, and so must say so in some way.</param>
    internal static bool SameOrigin(HttpRequest request, bool changes)
    {
        // No page can set either by itself
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site)
        {
            return site == "same-origin" || (site == "none" && !changes);
        }

        // Browsers leave that one out over plain HTTP
        return request.Headers.Origin.ToString() is { Length: > 0 } origin
            ? Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)
            : !changes;
    }

    private async Task<bool> IsSpentAsync(Guid id, CancellationToken cancellationToken)
    {
        if (cache.TryGetValue((nameof(SessionMiddleware), id), out bool known))
        {
            return known;
        }

        try
        {
            bool isSpent = await spent.IsSpentAsync(id, cancellationToken);
            return cache.Set((nameof(SessionMiddleware), id), isSpent, Remembered);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            // Its key is still looked up: without Redis a page goes on to work
            return false;
        }
    }

    /// <summary>A session was signed out here: it is not asked about for a while.</summary>
    internal static void Forget(IMemoryCache cache, Guid id) => cache.Set((nameof(SessionMiddleware), id), true, Remembered * 2);
}

/// <summary>The cookie of a session.</summary>
internal static class SessionCookie
{
    private const string Secure = "__Host-generation-session";
    private const string Plain = "generation-session";

    /// <summary>The token in a request's cookie; null where it has none.</summary>
    public static string? Read(HttpRequest request) =>
        request.Cookies[Name(request, isSecure: true)] ?? request.Cookies[Name(request, isSecure: false)];

    /// <summary>Sets the cookie. It is Secure wherever the page came over HTTPS, of which its Origin tells also behind a proxy.</summary>
    public static void Set(HttpContext http, string token, DateTimeOffset expiresAt)
    {
        bool isSecure = http.Request.IsHttps || http.Request.Headers.Origin.ToString().StartsWith("https://", StringComparison.Ordinal);
        http.Response.Cookies.Append(Name(http.Request, isSecure), token, Options(isSecure, expiresAt));
    }

    /// <summary>Deletes the cookie.</summary>
    public static void Delete(HttpContext http)
    {
        foreach (bool isSecure in (bool[])[true, false])
        {
            if (http.Request.Cookies.ContainsKey(Name(http.Request, isSecure)))
            {
                http.Response.Cookies.Append(Name(http.Request, isSecure), "", Options(isSecure, DateTimeOffset.UnixEpoch));
            }
        }
    }

    /// <summary>With the port, as cookies are not told apart by it: two stacks on a machine have a session each.</summary>
    private static string Name(HttpRequest request, bool isSecure) =>
        (isSecure ? Secure : Plain) + (request.Host.Port is { } port ? $"-{port}" : "");

    private static CookieOptions Options(bool isSecure, DateTimeOffset expiresAt) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = isSecure,
            Path = "/",
            Expires = expiresAt,
            IsEssential = true,
        };
}
