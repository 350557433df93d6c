namespace Generation.Cli;

/// <summary>The dotnet program that runs us, for starting others.</summary>
public static class DotnetHost
{
    /// <summary>Its full path, or the name by which PATH finds it.</summary>
    public static string Path { get; } =
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } given ? given
        : System.IO.Path.GetFileName(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : "dotnet";
}
