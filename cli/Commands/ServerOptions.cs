using System.CommandLine;
using Generation.Client;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>
/// Which server a command talks to: the one that is named, else the one that GENERATION_URL names, else this clone's own.
/// </summary>
internal sealed class ServerOptions
{
    private const string UrlVariable = "GENERATION_URL";
    private const string KeyVariable = "GENERATION_KEY";

    private readonly Option<string?> _server = new("--server")
    {
        Description = $"The address of any Generation server. Default: ${UrlVariable}, else the stack that ./generation up started here.",
    };

    private readonly Option<string?> _key = new("--key")
    {
        Description = $"An API key of that server. Default: ${KeyVariable}, which other users of this machine do not see.",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_key);
    }

    /// <summary>Where the server is, and the client that calls it. Dispose the client.</summary>
    /// <exception cref="StepException">No server is named and none runs here, or its address or key is missing.</exception>
    public (GenerationClient Client, ServerPlace Place) Open(ParseResult result)
    {
        string? url = result.GetValue(_server) ?? Variable(UrlVariable);
        string? key = result.GetValue(_key) ?? Variable(KeyVariable);
        if (url is null)
        {
            var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
            if (!stack.Api.IsRunning)
            {
                throw new StepException(
                    "find a server",
                    "None is named, and none runs here.",
                    null,
                    $"Name one with --server URL (and its key in {KeyVariable}), or start one here: ./generation up"
                );
            }

            return (new GenerationClient(new Uri(stack.Url), key ?? stack.Key), stack.Place());
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new StepException("find the server", $"\"{url}\" is no address.", null, "Name it as https://pictures.example.org.");
        }

        // The key of this clone's stack goes to no other server
        return key is null
            ? throw new StepException(
                "find the server's key",
                $"No key for {address.Authority} is given.",
                null,
                $"Set {KeyVariable}, or give the key with --key."
            )
            : (new GenerationClient(address, key), new ServerPlace(address.ToString()));
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

/// <summary>A clone's own stack as a server.</summary>
internal static class OwnServer
{
    public static ServerPlace Place(this Stack stack) =>
        new(stack.Url, stack.KeyFile, stack.Api.Log, Path.Combine(stack.Folder.Logs, "worker-1.log"));

    public static GenerationClient Client(this Stack stack) => new(new Uri(stack.Url), stack.Key);

    /// <summary>An address that opens the page for people, signed in with the client's key; once, and soon.</summary>
    public static async Task<Uri> PageLinkAsync(this GenerationClient client, CancellationToken token)
    {
        // The API makes its description when it is first asked for: whoever opens the page need not wait for that
        await client.CallAsync(HttpMethod.Get, "openapi/v1.json", null, token);
        return client.AddressOf((string)(await client.CallAsync(HttpMethod.Post, "v1/session/links", null, token))["path"]!);
    }
}
