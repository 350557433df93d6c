using Generation.Cli.Servers;

namespace Generation.Cli.Running;

/// <summary>Where the servers of tests come from.</summary>
public enum TestServersKind
{
    /// <summary>This machine's packages.</summary>
    Private,

    /// <summary>Docker.</summary>
    Containers,
}

/// <summary>What the environment says about the servers of tests.</summary>
public static class TestServersSetting
{
    /// <summary>Names a <see cref="TestServersKind"/> in small letters.</summary>
    public const string KindVariable = "GENERATION_TEST_SERVERS";

    /// <summary>Names the data folder of private servers that run for a whole run of `./generation test`.</summary>
    public const string FolderVariable = "GENERATION_TEST_FOLDER";

    /// <exception cref="ServerException">The variable names none.</exception>
    public static TestServersKind Kind => Environment.GetEnvironmentVariable(KindVariable) switch
    {
        null or "" or "private" => TestServersKind.Private,
        "containers" => TestServersKind.Containers,
        string other => throw new ServerException(
            $"{KindVariable} is '{other}'. "
            + "It may be private (servers from this machine's packages, the default) or containers (servers in Docker)."),
    };
}
