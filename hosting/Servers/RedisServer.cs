using System.Net.Sockets;
using System.Text;

namespace Generation.Hosting.Servers;

/// <summary>A private Redis server that keeps its data in memory only, because all of it can be rebuilt.</summary>
public sealed class RedisServer : Server
{
    private const string PasswordName = "redis-password";

    internal RedisServer(DataFolder folder, ServerSettings settings)
        : base(folder, "redis", "redis", settings) { }

    /// <summary>The connection string in StackExchange.Redis's form.</summary>
    public override string ConnectionString => $"127.0.0.1:{Port},password={Secret("password")}";

    private protected override async Task StartAsync(CancellationToken token)
    {
        if (!Process.IsRunning)
        {
            Data.Open(Name, User);
            int port = Ports.PreviousOrFree(Process.Port);
            string configuration = Path.Combine(Folder, "redis.conf");
            PrivateFile.Write(configuration, Configuration(port), User);
            Process.Start(
                new Launch
                {
                    Program = "redis-server",
                    Arguments = [configuration],
                    User = User,
                    Folder = "/",
                    Log = Log,
                    Port = port,
                }
            );
        }

        await Process.WaitUntilAsync(AnswersAsync, TimeSpan.FromSeconds(60), token);
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            return await AskAsync("PING", limit.Token) == "+PONG";
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            token.ThrowIfCancellationRequested();
            return false;
        }
    }

    /// <summary>Lets clients come by the next password as well as by the present one.</summary>
    internal Task AddPasswordAsync(CancellationToken token) => ChangeAsync($"ACL SETUSER default >{Data.NextSecret(PasswordName)}", token);

    /// <summary>Lets clients come by the present password alone; who is there already stays.</summary>
    internal Task KeepPasswordAsync(CancellationToken token) => ChangeAsync($"ACL SETUSER default resetpass >{Secret("password")}", token);

    private async Task ChangeAsync(string command, CancellationToken token)
    {
        if (await AskAsync(command, token) is not "+OK" and var answer)
        {
            throw new ServerException($"Redis answered: {answer}", Log);
        }
    }

    /// <summary>The first line of the answer to a command.</summary>
    private async Task<string?> AskAsync(string command, CancellationToken token)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, token);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {Secret("password")}\r\n{command}\r\n"), token);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadLineAsync(token) is "+OK" ? await reader.ReadLineAsync(token) : null;
    }

    private string Configuration(int port) =>
        $"""
            bind 127.0.0.1
            port {port}
            requirepass {Secret("password")}
            dir "{Folder}"
            save ""
            appendonly no
            databases 1024
            maxmemory 256mb
            maxmemory-policy allkeys-lru

            """;
}
