using System.CommandLine;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Generation.Storage.Uploads;

namespace Generation.Api.Commands;

/// <summary>The command "results": shows and changes which database owns the results store, and sweeps it by hand.</summary>
internal static class ResultsCommands
{
    public static Command Create() =>
        new("results", "The results store: whose it is, and what is swept there") { Check(), Adopt(), Sweep() };

    private static Command Check()
    {
        var command = new Command("check", "Say whose the results store is, and why the last sweep deleted nothing; exit code 1 if so");
        command.SetAction(
            (_, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    StoreOwner owner = await services.GetRequiredService<ResultsOwnership>().LookAsync(cancellationToken);
                    string? problem = ResultsOwnership.ProblemOf(owner) ?? await RetentionOf(services).ProblemAsync(cancellationToken);
                    if (problem is not null)
                    {
                        await Console.Error.WriteLineAsync(problem);
                        return 1;
                    }

                    Console.WriteLine(
                        owner == StoreOwner.Nobody
                            ? "The results store has no owner yet; the first database that puts a file there, or sweeps it, will be."
                            : "The results store is this database's."
                    );
                    return 0;
                })
        );
        return command;
    }

    private static Command Adopt()
    {
        var command = new Command(
            "adopt",
            "Make the results store this database's, whosever it was; no other database may use it from then on"
        );
        command.SetAction(
            (_, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    await OperatorCommands.EnterAsync(services, "results.adopt", "results store", null, cancellationToken);
                    StoreOwner before = await services.GetRequiredService<ResultsOwnership>().AdoptAsync(cancellationToken);
                    Console.WriteLine(
                        before switch
                        {
                            StoreOwner.Ours => "The results store was this database's already; it has a new mark.",
                            StoreOwner.Another => "The results store was another database's, and is this database's now.",
                            StoreOwner.Contested =>
                                "The results store was in doubt between copies of this database, and is this one's now.",
                            _ => "The results store had no owner, and is this database's now.",
                        }
                    );
                    return 0;
                })
        );
        return command;
    }

    private static Command Sweep()
    {
        var withoutLimit = new Option<bool>("--without-limit")
        {
            Description =
                $"Also if more than {RetentionStore.MostUnknownFiles} files and more than {RetentionStore.MostUnknownShare:P0} of all "
                + "would go "
                + "that this database never named",
        };
        var minutes = new Option<double>("--older-than-minutes")
        {
            Description = "Only files that were put before so long; younger ones may belong to jobs that are being completed",
            DefaultValueFactory = _ => RetentionStore.OrphanAge.TotalMinutes,
        };
        var command = new Command("sweep", "Delete the files that nothing names any more, now, once") { withoutLimit, minutes };
        command.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    DateTimeOffset putBefore = DateTimeOffset.UtcNow - TimeSpan.FromMinutes(result.GetValue(minutes));
                    bool all = result.GetValue(withoutLimit);
                    await OperatorCommands.EnterAsync(
                        services,
                        "results.sweep",
                        "results store",
                        new { WithoutLimit = all, PutBefore = putBefore },
                        cancellationToken
                    );
                    SweepResult sweep = await RetentionOf(services).SweepAsync(putBefore, all, cancellationToken);
                    if (sweep.Problem is { } problem)
                    {
                        await Console.Error.WriteLineAsync(problem);
                        return 1;
                    }

                    Console.WriteLine($"{sweep.Deleted} files deleted.");
                    return 0;
                })
        );
        return command;
    }

    private static RetentionStore RetentionOf(IServiceProvider services) =>
        ActivatorUtilities.CreateInstance<RetentionStore>(services, ActivatorUtilities.CreateInstance<UploadStore>(services));
}
