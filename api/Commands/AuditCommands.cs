using System.CommandLine;
using Generation.Storage.Audit;

namespace Generation.Api.Commands;

/// <summary>The command "audit": checks that the log of what operators did is as it was written.</summary>
internal static class AuditCommands
{
    public static Command Create() => new("audit", "What operators did") { Verify(), Seal(), Enter() };

    /// <summary>For commands that act on servers from outside of this program.</summary>
    private static Command Enter()
    {
        var action = new Argument<string>("action");
        var target = new Argument<string>("target");
        var enter = new Command("enter", "Enter what is about to be done") { action, target };
        enter.Hidden = true;
        enter.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    await OperatorCommands.EnterAsync(
                        services,
                        result.GetValue(action)!,
                        result.GetValue(target)!,
                        detail: null,
                        cancellationToken
                    );
                    return 0;
                })
        );
        return enter;
    }

    private static Command Verify()
    {
        var seal = new Option<string?>("--seal")
        {
            Description = "A seal from the API's log (the last word of 'The audit log is sealed up to ...'), to find what was cut since",
        };
        var verify = new Command(
            "verify",
            "Go through the chain of the audit log, and look for its sealed end; exit code 1 if it is broken"
        )
        {
            seal,
        };
        verify.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    AuditSeal? kept = null;
                    if (result.GetValue(seal) is { } text && (kept = AuditSeal.Parse(text)) is null)
                    {
                        await Console.Error.WriteLineAsync("--seal is no seal: it has the form ID.HASH.SECRET.SIGNATURE.");
                        return 2;
                    }

                    AuditCheck check = await services.GetRequiredService<AuditLog>().VerifyAsync(kept, cancellationToken);
                    if (check.Problem is { } problem)
                    {
                        await Console.Error.WriteLineAsync(problem);
                        return 1;
                    }

                    Console.WriteLine(
                        $"{check.Entries} entries, each as it was written; "
                            + (
                                check.SealedTo is { } end
                                    ? $"their end is sealed up to entry {end}."
                                    : "no seal was found that shows whether the end is there."
                            )
                    );
                    return 0;
                })
        );
        return verify;
    }

    private static Command Seal()
    {
        var replace = new Option<bool>("--replace")
        {
            Description = "Also where the log lacks what was sealed, as that of a restored database does; this is entered in the log",
        };
        var command = new Command("seal", "Seal the end of the audit log in the results store now, and print the seal") { replace };
        command.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    AuditLog audit = services.GetRequiredService<AuditLog>();
                    bool again = result.GetValue(replace);
                    if (again)
                    {
                        await OperatorCommands.EnterAsync(
                            services,
                            "audit.seal",
                            "results store",
                            new { Replace = true },
                            cancellationToken
                        );
                    }

                    (AuditSeal? seal, string? problem) = await audit.SealAsync(again, cancellationToken);
                    if (problem is not null)
                    {
                        await Console.Error.WriteLineAsync(problem);
                        return 1;
                    }

                    Console.WriteLine(seal?.ToString() ?? "The log has not grown since it was last sealed.");
                    return 0;
                })
        );
        return command;
    }
}
