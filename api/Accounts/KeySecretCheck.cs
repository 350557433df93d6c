using Generation.Storage.Accounts;
using Npgsql;

namespace Generation.Api.Accounts;

/// <summary>Stops the start of an API whose secret is not the one that the database's keys were made with, and says what to do.</summary>
internal sealed class KeySecretCheck(KeySecret secret, NpgsqlDataSource source) : IHostedService
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            await KeySecretFile.CheckAsync(secret, source, limit.Token);
        }
        catch (Exception e)
            when (e is NpgsqlException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The database is away or not migrated yet: /readyz says so, and no key is found before it is back
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
