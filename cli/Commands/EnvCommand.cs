using System.CommandLine;
using Generation.Cli.Running;
using Generation.Cli.Servers;

namespace Generation.Cli.Commands;

/// <summary>`env`: lines for a shell to evaluate.</summary>
internal static class EnvCommand
{
    public static Command Create()
    {
        var command = new Command("env", "Print what sets GENERATION_URL and GENERATION_KEY: eval \"$(./generation env)\"");
        command.SetAction(_ =>
        {
            var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
            if (!stack.Api.IsRunning)
            {
                throw new StepException("find the running stack", "The API does not run.", null, "./generation up");
            }

            Console.WriteLine($"export GENERATION_URL='{stack.Url}'");
            Console.WriteLine($"export GENERATION_KEY='{stack.Key}'");
            return 0;
        });
        return command;
    }
}
