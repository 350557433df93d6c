using System.Text.Json;

namespace Generation.Hosting;

/// <summary>The addresses of a stack for other programs: one JSON file beside the first key.</summary>
public static class AddressBook
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    public static string Write(Stack stack) =>
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
            Json
        );
}
