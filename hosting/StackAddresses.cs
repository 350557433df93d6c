using System.Text.Json;

namespace Generation.Hosting;

/// <summary>The addresses of a stack for other programs, as the JSON file beside the first key.</summary>
public static class StackAddresses
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true };

    public static string Json(Stack stack) =>
        JsonSerializer.Serialize(
            new
            {
                url = stack.Url,
                key_file = stack.KeyFile,
                results = stack.Folder.Results,
                postgres = stack.Servers.Postgres.ConnectionString,
                redis = stack.Servers.Redis.ConnectionString,
                rabbitmq = stack.Servers.RabbitMq.ConnectionString,
            },
            Options
        );
}
