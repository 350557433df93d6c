namespace Generation.Tests;

/// <summary>The images of GENERATION_TEST_SERVERS=containers. A variable names another: GENERATION_TEST_POSTGRES_IMAGE and so on.</summary>
internal static class ContainerImages
{
    // Those of docker-compose.yml
    public static string Postgres => Image("POSTGRES", "postgres:15.15-bookworm");

    public static string RabbitMq => Image("RABBITMQ", "rabbitmq:3.13.7");

    public static string Redis => Image("REDIS", "redis:7.2.7-bookworm");

    public static string S3 => Image("S3", "minio/minio:RELEASE.2025-04-22T22-12-26Z");

    private static string Image(string server, string name) =>
        Environment.GetEnvironmentVariable($"GENERATION_TEST_{server}_IMAGE") is { Length: > 0 } other ? other : name;
}
