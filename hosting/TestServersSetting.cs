using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>The settings in the environment for the servers that tests run on.</summary>
public static class TestServersSetting
{
    /// <summary>The value of <see cref="KindVariable"/> for servers in Docker.</summary>
    public const string Containers = "containers";

    /// <summary>The variable that says where the servers come from.</summary>
    public const string KindVariable = "GENERATION_TEST_SERVERS";

    /// <summary>
    /// The variable that names the data folder of private servers that run already, for a whole run of `./generation test`.
    /// </summary>
    public const string FolderVariable = "GENERATION_TEST_FOLDER";

    /// <summary>Whether tests run on servers in Docker, and not on servers from this machine's packages.</summary>
    /// <exception cref="ServerException">The variable has an unknown value.</exception>
    public static bool InContainers =>
        Environment.GetEnvironmentVariable(KindVariable) switch
        {
            null or "" or "private" => false,
            Containers => true,
            string other => throw new ServerException(
                $"{KindVariable} is '{other}'. It may be private (servers from this machine's packages, the default) or {Containers} "
                    + "(servers in Docker)."
            ),
        };
}
