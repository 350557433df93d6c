using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Net.Http.Headers;

namespace Generation.Api.Web;

/// <summary>Which pages of other addresses may call the API from a browser: configuration section "Cors".</summary>
internal sealed record CorsOptions
{
    public const string Section = "Cors";

    /// <summary>
    /// Origins, as https://example.org, with commas between them; * for all. Empty: none but the API's own. Signed addresses of outputs,
    /// which carry their permission with them, answer pages of any origin.
    /// </summary>
    public string Origins { get; init; } = "";

    /// <summary>The origins one by one.</summary>
    public string[] All => Origins.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Whether each is an origin, or a star.</summary>
    public bool IsValid => All.All(origin => origin == "*" || IsOrigin(origin));

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
        && uri.Scheme is "http" or "https"
        && uri.GetLeftPart(UriPartial.Authority).Equals(origin, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Cross-origin requests, by the framework's own middleware.</summary>
internal static class Cors
{
    private static readonly TimeSpan PreflightMaxAge = TimeSpan.FromHours(1);

    /// <summary>What scripts may read of an answer, beside the few headers that they always may.</summary>
    private static readonly string[] Exposed =
    [
        HeaderNames.ETag,
        HeaderNames.Location,
        HeaderNames.RetryAfter,
        HeaderNames.ContentDisposition,
        HeaderNames.ContentRange,
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "Idempotent-Replayed",
        "Preference-Applied",
        "x-job-id",
    ];

    public static void AddCrossOrigins(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<CorsOptions>()
            .BindConfiguration(CorsOptions.Section)
            .Validate(o => o.IsValid, "Cors:Origins must name origins as https://example.org, with commas between them, or be *.")
            .ValidateOnStart();
        CorsOptions options = builder.Configuration.GetSection(CorsOptions.Section).Get<CorsOptions>() ?? new CorsOptions();
        builder.Services.AddCors();
        builder.Services.AddSingleton<ICorsPolicyProvider>(new PolicyProvider(options));
    }

    /// <summary>Anybody's page may read what an address with a signature gives, and do nothing with it but read.</summary>
    private static CorsPolicy Signed { get; } =
        new CorsPolicyBuilder()
            .AllowAnyOrigin()
            .AllowAnyHeader()
            .WithMethods(HttpMethods.Get, HttpMethods.Head)
            .WithExposedHeaders(Exposed)
            .SetPreflightMaxAge(PreflightMaxAge)
            .Build();

    private static CorsPolicy? PolicyOf(CorsOptions options)
    {
        if (options.All.Length == 0)
        {
            return null;
        }

        CorsPolicyBuilder policy = new CorsPolicyBuilder()
            .AllowAnyHeader()
            .AllowAnyMethod()
            .WithExposedHeaders(Exposed)
            .SetPreflightMaxAge(PreflightMaxAge);
        // Never with credentials of the browser's own: keys travel in a header that the page must know
        return (options.All.Contains("*") ? policy.AllowAnyOrigin() : policy.WithOrigins(options.All)).Build();
    }

    private sealed class PolicyProvider(CorsOptions options) : ICorsPolicyProvider
    {
        private readonly CorsPolicy? _origins = PolicyOf(options);

        public Task<CorsPolicy?> GetPolicyAsync(HttpContext context, string? policyName) =>
            Task.FromResult(IsSignedAddress(context.Request) ? Signed : _origins);

        private static bool IsSignedAddress(HttpRequest request) =>
            request.Query.ContainsKey("signature")
            && request.Query.ContainsKey("expires")
            && (
                (
                    request.Path.StartsWithSegments("/v1/jobs", StringComparison.Ordinal, out PathString rest)
                    && rest.Value?.Contains("/outputs/", StringComparison.Ordinal) == true
                ) || request.Path.StartsWithSegments("/api/files", StringComparison.Ordinal)
            );
    }
}
