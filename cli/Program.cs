using System.CommandLine;
using System.CommandLine.Help;
using Generation.Cli.Commands;
using Generation.Cli.Output;

// Named as people call it, and not as the program file is named
var root = new Command("./generation", "Generation: serve pictures and clips from diffusion models to many users, on your own machines.")
{
    new HelpOption(),
    new VersionOption(),
    DemoCommand.Create(),
    MakeCommand.Create(),
    JobsCommand.Jobs(),
    JobsCommand.Watch(),
    JobsCommand.Get(),
    JobsCommand.Cancel(),
    TestCommand.Create(),
    UpCommand.Create(),
    DownCommand.Create(),
    StatusCommand.Create(),
    EnvCommand.Create(),
    OperatorCommand.Create("keys", "Create, list and revoke API keys of the running stack."),
    OperatorCommand.Create("results", "Check, adopt and sweep the running stack's results store."),
    OperatorCommand.Create("audit", "Verify what operators did, as it was written down."),
    BackupCommand.Backup(),
    BackupCommand.Restore(),
    LogsCommand.Create(),
    ModelCommand.Create(),
    BenchCommand.Create(),
    CompletionCommand.Create(),
    SuperviseCommand.Create(),
};
PlainOutput.UseWhereNobodyLooks();
if (CompletionCommand.Suggest(root, args) is { } suggestions)
{
    Console.WriteLine(string.Join('\n', suggestions));
    return 0;
}

// After Ctrl-C a command stops what it has started: it gets the time for it
var configuration = new InvocationConfiguration
{
    EnableDefaultExceptionHandler = false,
    ProcessTerminationTimeout = TimeSpan.FromSeconds(90),
};
try
{
    return await root.Parse(args).InvokeAsync(configuration);
}
catch (Exception e)
{
    return Failure.Tell(e);
}
