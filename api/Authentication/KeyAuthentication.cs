using System.Security.Claims;
using System.Text.Encodings.Web;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Generation.Api.Authentication;

/// <summary>Authenticates a request by its key, which travels as "Authorization: Bearer gk_..." or in X-Api-Key.</summary>
internal sealed class KeyAuthenticationHandler(
    CallerDirectory callers,
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Key";
    private const string Bearer = "Bearer ";

    private (string Code, string Detail) _why = (
        "key_missing",
        "Send your key as 'Authorization: Bearer gk_...' or in the header X-Api-Key."
    );

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string? key = KeyOf(Request);
        if (key is null)
        {
            return AuthenticateResult.NoResult();
        }

        if (!callers.TryFind(key, out Caller? caller) && !ApiKey.IsWellFormed(key))
        {
            return Refuse(
                "key_malformed",
                $"That is not a whole key: keys begin with gk_, have {ApiKey.Length} characters and a checksum at the end."
            );
        }

        caller ??= await callers.FindAsync(key, Context.Connection.RemoteIpAddress, Context.RequestAborted);
        if (caller is null)
        {
            return Refuse("key_invalid", "This key is unknown, has expired or was revoked.");
        }

        Context.Features.Set(caller);
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, caller.AccountId.ToString())], SchemeName);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Context.WriteProblemAsync(Problem.Of(401, _why.Code, _why.Detail));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        Caller caller = Context.Caller();
        string needed = Context.GetEndpoint()?.Metadata.GetMetadata<AuthorizeAttribute>()?.Policy ?? "another";
        return Context.WriteProblemAsync(
            Problem.Of(
                403,
                "scope_missing",
                $"This needs a key with the scope '{needed}'; this key has {string.Join(", ", caller.Scopes.Order())}."
            )
        );
    }

    /// <summary>The key that a request has, in a header or by its session; null where it has none.</summary>
    public static string? KeyOf(HttpRequest request)
    {
        string? authorization = request.Headers.Authorization;
        if (authorization is not null && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return authorization[Bearer.Length..].Trim();
        }

        string? header = request.Headers["X-Api-Key"];
        return string.IsNullOrEmpty(header) ? authorization ?? request.HttpContext.Features.Get<SessionKey>()?.Key : header;
    }

    private AuthenticateResult Refuse(string code, string detail)
    {
        _why = (code, detail);
        return AuthenticateResult.Fail(detail);
    }
}

/// <summary>Adds keys as the way to authenticate, and one policy per scope.</summary>
internal static class KeyAuthentication
{
    public static void AddKeyAuthentication(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<UnknownKeyOptions>()
            .BindConfiguration(UnknownKeyOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<UnknownKeys>();
        builder.Services.AddSingleton<CallerDirectory>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<CallerDirectory>());
        builder
            .Services.AddAuthentication(KeyAuthenticationHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, KeyAuthenticationHandler>(KeyAuthenticationHandler.SchemeName, null);
        AuthorizationBuilder authorization = builder.Services.AddAuthorizationBuilder();
        foreach (string scope in Scopes.All)
        {
            authorization.AddPolicy(scope, policy =>
                policy
                    .RequireAuthenticatedUser()
                    .RequireAssertion(context => context.Resource is HttpContext http && http.Features.Get<Caller>()?.May(scope) == true)
            );
        }
    }

    /// <summary>The caller of a request whose route needs authorization.</summary>
    public static Caller Caller(this HttpContext http) =>
        http.Features.Get<Caller>() ?? throw new InvalidOperationException("The route needs authorization.");
}
