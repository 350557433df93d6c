using Spectre.Console;

namespace Generation.Cli.Output;

/// <summary>Output into a file or a pipe: no colours, no moving bars, no lines broken at a screen's width.</summary>
internal static class PlainOutput
{
    private const int Width = 400;

    public static void UseWhereNobodyLooks()
    {
        if (!Console.IsOutputRedirected)
        {
            return;
        }

        AnsiConsole.Console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Interactive = InteractionSupport.No,
            }
        );
        AnsiConsole.Profile.Width = Width;
    }
}
