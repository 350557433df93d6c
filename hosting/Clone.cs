namespace Generation.Hosting;

/// <summary>The clone that this program was built in.</summary>
/// <param name="Root">The clone's root folder.</param>
/// <param name="Configuration">The configuration of the build, debug or release, of this program and of the others beside it.</param>
public sealed record Clone(string Root, string Configuration)
{
    /// <summary>The clone that contains the running program.</summary>
    public static Clone Current { get; } = Find(AppContext.BaseDirectory);

    public string Models => Path.Combine(Root, "models");

    /// <summary>The folder in which the build put a program or a test project.</summary>
    public string OutputOf(string project) => Path.Combine(Root, "artifacts", "bin", project, Configuration);

    public string ProgramOf(string project) => Path.Combine(OutputOf(project), project + ".dll");

    private static Clone Find(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Generation.sln")))
            {
                return new Clone(folder.FullName, Path.GetFileName(Path.TrimEndingDirectorySeparator(start)));
            }
        }

        throw new InvalidOperationException($"{start} is not in a clone of Generation: no folder above it holds Generation.sln.");
    }
}

/// <summary>The dotnet program that runs this process, for starting others.</summary>
public static class DotnetHost
{
    /// <summary>Its full path, or the name by which PATH finds it.</summary>
    public static string Path { get; } =
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } given ? given
        : System.IO.Path.GetFileName(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : "dotnet";
}
