using Generation.Api.Authentication;
using Generation.Api.Limits;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Jobs;

/// <summary>
/// A fast path for GET /v1/jobs/{id}, by far the most frequent call: it is answered before routing and authorization where the
/// key is known, the job is its account's, and reads have no limit. Everything else, and every refusal, takes the way of other
/// calls, which comes to the same answer.
/// </summary>
internal sealed class JobPollMiddleware(RequestDelegate next, CallerDirectory callers, LimitsDirectory limits, JobViews views)
{
    private const string Path = "/v1/jobs/";
    private const int IdLength = 36;

    public Task InvokeAsync(HttpContext http) =>
        http.Request.Path.Value is { Length: 45 } path
        && path.StartsWith(Path, StringComparison.Ordinal)
        && HttpMethods.IsGet(http.Request.Method)
        && JobId.TryParse(path[^IdLength..], null, out JobId id)
        && !http.Request.Headers.Accept.ToString().StartsWith("image/", StringComparison.OrdinalIgnoreCase)
        && KeyAuthenticationHandler.KeyOf(http.Request) is { } key
        && callers.TryFind(key, out Caller? caller)
        && caller.May(Scopes.Read)
        && limits.Of(caller).ReadsPerSecond is null
            ? AnswerAsync(http, id, caller)
            : next(http);

    private async Task AnswerAsync(HttpContext http, JobId id, Caller caller)
    {
        if (await views.FindAsync(id, caller.AccountId, http.RequestAborted) is { } view)
        {
            await JobsApi.AnswerAsync(http, view);
        }
        else
        {
            await next(http);
        }
    }
}
