using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Redis;

namespace Generation.Api.Limits;

/// <summary>Limits each account's requests a second, and tells clients by the RateLimit headers of the draft standard.</summary>
internal static class RateLimits
{
    public static void AddLimits(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AccountLimits>().BindConfiguration(AccountLimits.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<LimitsDirectory>();
    }

    public static void UseRateLimits(this WebApplication app) =>
        app.Use(
            (http, next) =>
            {
                // Polls are most of all calls and mostly without a limit: they go on without a stop here
                if (http.Features.Get<Caller>() is not { } caller)
                {
                    return next(http);
                }

                AccountLimits limits = http.RequestServices.GetRequiredService<LimitsDirectory>().Of(caller);
                bool isRead = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);
                return (isRead ? limits.ReadsPerSecond : limits.RequestsPerSecond) is { } perSecond
                    ? TakeAsync(http, next, caller, limits, isRead, perSecond)
                    : next(http);
            }
        );

    private static async Task TakeAsync(
        HttpContext http,
        RequestDelegate next,
        Caller caller,
        AccountLimits limits,
        bool isRead,
        double perSecond
    )
    {
        string limit = isRead ? "reads_per_second" : "requests_per_second";
        int burst = isRead ? Math.Max(1, (int)perSecond) : limits.Burst;
        RateDecision decision = await http
            .RequestServices.GetRequiredService<RateLimiter>()
            .TakeAsync($"{(isRead ? 'r' : 'w')}:{caller.AccountId:N}", perSecond, burst, isRead, http.RequestAborted);
        http.Response.Headers["RateLimit-Limit"] = burst.ToString();
        http.Response.Headers["RateLimit-Remaining"] = decision.Remaining.ToString();
        http.Response.Headers["RateLimit-Reset"] = Seconds(decision.ResetAfter).ToString();
        if (!decision.Allowed)
        {
            int wait = Math.Max(1, Seconds(decision.RetryAfter));
            throw new ProblemException(
                AccountLimits.Exceeded(
                    limit,
                    $"Your account's limit '{limit}' is {perSecond} with bursts of {burst}; the next is possible in {wait} s."
                )
            )
            {
                RetryAfterSeconds = wait,
            };
        }

        await next(http);
    }

    private static int Seconds(TimeSpan time) => (int)Math.Ceiling(time.TotalSeconds);
}
