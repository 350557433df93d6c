using System.CommandLine;
using System.Globalization;

namespace Generation.Cli.Commands;

/// <summary>
/// The command `completion SHELL`: prints what makes a shell complete our commands, options and their values. The shell asks the program
/// itself, so that nothing is listed twice.
/// </summary>
internal static class CompletionCommand
{
    private const string Question = "[suggest:";

    private const string Bash = """
        # For bash: eval "$(./generation completion bash)"
        _generation() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _generation generation ./generation
        """;

    private const string Zsh = """
        # For zsh, after compinit: eval "$(./generation completion zsh)"
        _generation() {
          local -a found=("${(@f)$("${words[1]}" "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
          compadd -a found
          _files
        }
        compdef _generation generation ./generation
        """;

    private const string Fish = """
        # For fish: ./generation completion fish | source
        function _generation
          set -l line (commandline -cp)
          (commandline -op)[1] "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c generation -a '(_generation)'
        """;

    private static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = Bash,
        ["zsh"] = Zsh,
        ["fish"] = Fish,
    };

    /// <summary>What a shell asks: the words that may stand at a place of a line. Null where it is no such question.</summary>
    /// <param name="root">All commands.</param>
    /// <param name="args">What the program was started with: [suggest:PLACE] and the line, which begins with the program's name.</param>
    public static IEnumerable<string>? Suggest(Command root, string[] args)
    {
        if (args is not [var question, var line] || !question.StartsWith(Question, StringComparison.Ordinal) || !question.EndsWith(']'))
        {
            return null;
        }

        // The program's own name is left out: the commands know themselves by another
        int name = line.IndexOf(' ', StringComparison.Ordinal) + 1;
        return int.TryParse(question[Question.Length..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int place)
            ? root.Parse(line[name..]).GetCompletions(Math.Clamp(place - name, 0, line.Length - name)).Select(found => found.Label)
            : null;
    }

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = string.Join(", ", Scripts.Keys) };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        const string what = "Print what makes your shell complete these commands: eval \"$(./generation completion bash)\"";
        var command = new Command("completion", what) { shell };
        command.SetAction(result =>
        {
            Console.WriteLine(Scripts[result.GetRequiredValue(shell)]);
            return 0;
        });
        return command;
    }
}
