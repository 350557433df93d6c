using System.CommandLine;
using Generation.Cli;

var root = new RootCommand("Generation: pictures from words, served to many.")
{
    DiscardCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
