using System.Text.RegularExpressions;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.TestSupport;

/// <summary>
/// The images of servers in containers: those that docker-compose.yml runs, or what a variable such as GENERATION_TEST_POSTGRES_IMAGE
/// names.
/// </summary>
internal static class ContainerImages
{
    public static string Postgres { get; } = Image("POSTGRES", "postgres");

    public static string RabbitMq { get; } = Image("RABBITMQ", "rabbitmq");

    public static string Redis { get; } = Image("REDIS", "redis");

    public static string S3 { get; } = Image("S3", "minio/minio");

    private static string Image(string server, string repository)
    {
        if (Environment.GetEnvironmentVariable($"GENERATION_TEST_{server}_IMAGE") is { Length: > 0 } other)
        {
            return other;
        }

        string compose = Path.Combine(Clone.Current.Root, "docker-compose.yml");
        Match image = Regex.Match(
            File.ReadAllText(compose),
            $@"^\s+image:\s+({repository}:\S+)",
            RegexOptions.Multiline,
            TimeSpan.FromSeconds(10)
        );
        return image.Success ? image.Groups[1].Value : throw new ServerException($"{compose} names no image of {repository}.");
    }
}
