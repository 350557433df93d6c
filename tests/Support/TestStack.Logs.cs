using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Generation.Contracts;
using Npgsql;

namespace Generation.TestSupport;

/// <summary>What the stack's processes log: all that they and their libraries have to say, and nothing that is nobody's business.</summary>
public sealed partial class TestStack
{
    private const int MaxLineBytes = 16 * 1024;

    /// <summary>Shorter ones may stand in a log for other reasons.</summary>
    private const int ShortestPrompt = 8;

    /// <summary>The level at which every library says most.</summary>
    private static readonly Dictionary<string, string> MostWords = new()
    {
        ["Logging__LogLevel__Default"] = "Trace",
        ["Logging__LogLevel__Microsoft.AspNetCore"] = "Trace",
        ["Logging__LogLevel__Npgsql"] = "Trace",
        ["Logging__LogLevel__MassTransit"] = "Trace",
    };

    /// <summary>
    /// Reads all logs up to now: they hold no key, no signature, no password of a server, no prompt of a job, nothing else that is named,
    /// and no line that is too long.
    /// </summary>
    /// <param name="token">Ends the look.</param>
    /// <param name="others">What else may not be there.</param>
    public async Task AssertLogsAreCleanAsync(CancellationToken token, params string[] others)
    {
        var secrets = SearchValues.Create(
            [Stack.Key, .. Passwords(), .. await PromptsAsync(token), .. others],
            StringComparison.OrdinalIgnoreCase
        );
        foreach (string log in Logs())
        {
            using var text = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            for (int number = 1; await text.ReadLineAsync(token) is { } line; number++)
            {
                int at = line.AsSpan().IndexOfAny(secrets);
                if (at >= 0 || Secret().IsMatch(line) || Encoding.UTF8.GetByteCount(line) >= MaxLineBytes)
                {
                    string what = at >= 0 ? $"a secret at {at}" : "a secret, or too long";
                    Assert.Fail($"{log}, line {number}: {what}: {line[..Math.Min(line.Length, 2000)]}");
                }
            }
        }
    }

    /// <summary>The files of the stack's logs.</summary>
    public IEnumerable<string> Logs() => Directory.EnumerateFiles(Stack.Folder.Logs, "*.log*");

    private IEnumerable<string> Passwords()
    {
        yield return new NpgsqlConnectionStringBuilder(Stack.Servers.Postgres.ConnectionString).Password!;
        yield return new Uri(Stack.Servers.RabbitMq.ConnectionString).UserInfo.Split(':')[1];
        if (Stack.Servers.Redis.ConnectionString.Split("password=") is [_, var redis])
        {
            yield return redis.Split(',')[0];
        }
    }

    private async Task<IEnumerable<string>> PromptsAsync(CancellationToken token)
    {
        string all = await QueryAsync<string>(
            """
            select coalesce(jsonb_agg(distinct p), '[]')::text from jobs, unnest(array[request ->> 'prompt', request ->> 'negative_prompt',
                request ->> 'instruction', request ->> 'mask_prompt']) as p where p is not null and @id is not null
            """,
            JobId.New(TimeProvider.System),
            token
        );
        return JsonNode.Parse(all)!.AsArray().Select(prompt => (string)prompt!).Where(prompt => prompt.Length >= ShortestPrompt);
    }

    [GeneratedRegex("signature=[^…]|gk_[A-Za-z0-9]{4}|whsec_[A-Za-z0-9]{4}|Bearer [A-Za-z0-9]{8}", RegexOptions.None, 10_000)]
    private static partial Regex Secret();
}
