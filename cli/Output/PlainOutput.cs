using Spectre.Console;

namespace Generation.Cli.Output;

/// <summary>Formats output for a file or a pipe: no colours, no progress bars, and no lines broken at the width of a screen.</summary>
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
