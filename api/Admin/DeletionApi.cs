using Generation.Api.Authentication;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Audit;
using Generation.Storage.Jobs;
using Generation.Storage.Retention;

namespace Generation.Api.Admin;

/// <summary>DELETE of a job or an account by operators. Everything that belongs to it is deleted, except its lines in the ledger.</summary>
internal static class DeletionApi
{
    public static void MapDeletions(this RouteGroupBuilder admin)
    {
        admin
            .MapDelete("/jobs/{id}", JobAsync)
            .WithSummary("Deletes any account's job that is over, with all that it left but its lines in the ledger")
            .Produces(204)
            .ProducesProblems(401, 403, 404, 409);
        admin
            .MapDelete("/accounts/{id:guid}", AccountAsync)
            .WithSummary(
                "Deletes an account with everything but its ledger: 202 while its jobs are stopped and deleted, 204 when nothing is left"
            )
            .Produces(202)
            .Produces(204)
            .ProducesProblems(401, 403, 404, 409);
    }

    private static async Task<IResult> JobAsync(
        string id,
        HttpContext http,
        JobStore jobs,
        JobRetentionStore retention,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        JobId job = JobsApi.IdOf(id);
        await AdminApi.EnterAsync(http, audit, "job.delete", id, null, cancellationToken);
        return await JobsApi.PurgeAsync(job, null, jobs, retention, cancellationToken);
    }

    private static async Task<IResult> AccountAsync(
        Guid id,
        HttpContext http,
        AccountRemoval removal,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        if (id == http.Caller().AccountId)
        {
            throw new ProblemException(
                409,
                "own_account",
                "This is the account of the key that you use: delete it with another account's key."
            );
        }

        if (await removal.IsEmptiedAsync(id, cancellationToken) is { } emptied)
        {
            return emptied ? Results.NoContent() : Results.StatusCode(StatusCodes.Status202Accepted);
        }

        await AdminApi.EnterAsync(http, audit, "account.delete", id.ToString(), null, cancellationToken);
        return await removal.MarkAsync(id, cancellationToken)
            ? Results.StatusCode(StatusCodes.Status202Accepted)
            : throw AdminApi.NoAccount(id);
    }
}
