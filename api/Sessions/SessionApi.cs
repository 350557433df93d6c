using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Redis;
using Generation.Storage.Sessions;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace Generation.Api.Sessions;

/// <summary>Sessions of people at the page: configuration section "Sessions".</summary>
internal sealed record SessionOptions
{
    public const string Section = "Sessions";

    /// <summary>How long a session lasts, in hours; with its key it ends before.</summary>
    [Range(1, 24 * 90)]
    public int Hours { get; init; } = 24 * 7;

    /// <summary>How long a link that opens a session is good, in minutes.</summary>
    [Range(1, 24 * 60)]
    public int LinkMinutes { get; init; } = 10;
}

/// <summary>How a session is opened: by a key, or by a link.</summary>
public sealed record SessionBody
{
    [Description("A key: gk_...")]
    public string? Key { get; set; }

    [Description("What a link's address has behind #open=.")]
    public string? Link { get; set; }
}

/// <summary>Who is signed in.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="AccountName">Its name.</param>
/// <param name="Scopes">What the session's key allows.</param>
/// <param name="ExpiresAt">When the session ends by itself.</param>
public sealed record SessionAnswer(Guid AccountId, string AccountName, IReadOnlyList<string> Scopes, DateTimeOffset ExpiresAt);

/// <summary>A link that opens the page, signed in.</summary>
/// <param name="Path">The link, behind this system's address.</param>
/// <param name="Link">Its token, as POST /v1/session takes it.</param>
/// <param name="ExpiresAt">Until when it can be opened; once.</param>
public sealed record SessionLinkAnswer(string Path, string Link, DateTimeOffset ExpiresAt);

/// <summary>/v1/session: signs people in and out at the page, by a cookie that no script can read.</summary>
internal static class SessionApi
{
    private const int MaxBodyBytes = 4096;

    public static void AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SessionOptions>().BindConfiguration(SessionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SessionTokens>();
        builder.Services.AddSingleton(provider => new SpentTokens(
            provider.GetRequiredService<RedisConnection>(),
            provider.GetRequiredService<IOptions<RedisOptions>>().Value
        ));
    }

    public static void MapSessions(this WebApplication app)
    {
        RouteGroupBuilder session = app.MapGroup("/v1/session").WithTags("Sessions");
        session
            .MapPost("/", OpenAsync)
            .AllowAnonymous()
            .WithName("openSession")
            .WithSummary("Signs in by a key or a link, with a cookie that stands for the key")
            .WithDescription(
                "For pages of this system: the cookie is HttpOnly and SameSite=Strict, and has the key in it, encrypted. A call that "
                    + $"changes something by it needs the header '{SessionMiddleware.Header}: 1' and our own origin. Programs send their "
                    + "key itself."
            )
            .Accepts<SessionBody>("application/json")
            .Produces<SessionAnswer>(201)
            .ProducesProblems(400, 401, 403, 413, 415, 422, 429, 503);
        session
            .MapGet("/", Get)
            .AllowAnonymous()
            .WithName("getSession")
            .WithSummary("Who is signed in by the cookie; 204 where nobody is, or no longer")
            .Produces<SessionAnswer>()
            .Produces(204)
            .ProducesProblems(403, 503);
        session
            .MapDelete("/", EndAsync)
            .AllowAnonymous()
            .WithName("endSession")
            .WithSummary("Signs out: the cookie is void from then on, and deleted")
            .Produces(204)
            .ProducesProblems(403, 503);
        session
            .MapPost("/links", LinkAsync)
            .RequireAuthorization(Scopes.Read)
            .WithName("createSessionLink")
            .WithSummary("A link that opens the page with this key, once and soon")
            .Produces<SessionLinkAnswer>(201)
            .ProducesProblems(401, 403, 503);
    }

    private static async Task<IResult> OpenAsync(
        HttpContext http,
        CallerDirectory callers,
        SessionTokens tokens,
        SpentTokens spent,
        IOptions<SessionOptions> options,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        // Nobody signs others in to an account of his own from a page of his own
        bool isBrowser = http.Request.Headers.ContainsKey("Origin") || http.Request.Headers.ContainsKey("Sec-Fetch-Site");
        if (isBrowser && !SessionMiddleware.SameOrigin(http.Request, changes: true))
        {
            throw new ProblemException(403, "cross_site_request", "Sessions are opened by this system's own page only.");
        }

        var errors = new FieldErrors();
        SessionBody body = StrictReader.Read<SessionBody>(await JsonBody.ReadAsync(http.Request, MaxBodyBytes, cancellationToken), errors);
        if (body.Key is null == body.Link is null && !errors.HasAny)
        {
            errors.Add("key", "send either this or link, and not both");
        }

        if (body.Key is not null && !ApiKey.IsWellFormed(body.Key))
        {
            errors.Add("key", $"is no whole key: keys begin with gk_, have {ApiKey.Length} characters and a checksum at the end");
        }

        errors.ThrowIfAny();
        string key = body.Key ?? await KeyOfLinkAsync(body.Link!, tokens, spent, time, cancellationToken);
        Caller caller = await callers.FindAsync(key, http.Connection.RemoteIpAddress, cancellationToken)
            ?? throw new ProblemException(401, "key_invalid", "This key is unknown, has expired or was revoked.");
        (string token, SessionKey content) = tokens.Seal(SessionTokens.Session, key, TimeSpan.FromHours(options.Value.Hours));
        SessionCookie.Set(http, token, content.ExpiresAt);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(AnswerOf(caller, content), statusCode: StatusCodes.Status201Created);
    }

    private static async Task<string> KeyOfLinkAsync(
        string link,
        SessionTokens tokens,
        SpentTokens spent,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        if (tokens.Open(SessionTokens.Link, link) is not { } content)
        {
            throw new ProblemException(401, "link_invalid", "This link is not one of ours, or its time is over. Ask for a new one.");
        }

        try
        {
            return await spent.TrySpendAsync(
                content.SessionId,
                content.ExpiresAt - time.GetUtcNow() + TimeSpan.FromMinutes(1),
                cancellationToken
            )
                ? content.Key
                : throw new ProblemException(401, "link_used", "This link was opened before, and opens once. Ask for a new one.");
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            throw new ProblemException(503, "link_unchecked", "Whether this link was opened before cannot be found out now. Try again.")
            {
                RetryAfterSeconds = 2,
            };
        }
    }

    private static IResult Get(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        if (http.Features.Get<SessionKey>() is { } session && http.Features.Get<Caller>() is { } caller)
        {
            return Results.Json(AnswerOf(caller, session));
        }

        SessionCookie.Delete(http);
        return Results.NoContent();
    }

    private static async Task<IResult> EndAsync(
        HttpContext http,
        SpentTokens spent,
        IMemoryCache cache,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        SessionCookie.Delete(http);
        if (http.Features.Get<SessionKey>() is { } session)
        {
            SessionMiddleware.Forget(cache, session.SessionId);
            try
            {
                await spent.TrySpendAsync(session.SessionId, session.ExpiresAt - time.GetUtcNow(), cancellationToken);
            }
            catch (Exception e) when (RedisConnection.IsTrouble(e))
            {
                // The headers are not out yet: the browser keeps its cookie, and whoever signs out is told to do it again
                http.Response.Headers.Remove("Set-Cookie");
                throw new ProblemException(503, "sign_out_failed", "You could not be signed out now. Try again in a moment.")
                {
                    RetryAfterSeconds = 2,
                };
            }
        }

        return Results.NoContent();
    }

    private static IResult LinkAsync(HttpContext http, SessionTokens tokens, IOptions<SessionOptions> options)
    {
        string key = KeyAuthenticationHandler.KeyOf(http.Request)!;
        (string token, SessionKey content) = tokens.Seal(SessionTokens.Link, key, TimeSpan.FromMinutes(options.Value.LinkMinutes));
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(new SessionLinkAnswer($"/#open={token}", token, content.ExpiresAt), statusCode: StatusCodes.Status201Created);
    }

    private static SessionAnswer AnswerOf(Caller caller, SessionKey session) =>
        new(caller.AccountId, caller.AccountName, [.. caller.Scopes.Order()], session.ExpiresAt);
}
