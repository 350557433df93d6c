using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Generation.Hosting.Servers;

/// <summary>A private RabbitMQ node, with a port mapper (epmd) of its own, so that no other node on the machine knows it.</summary>
public sealed class RabbitMqServer : Server, IBroker
{
    private const string Account = "generation";
    private const string Node = "generation@localhost";
    private const string NotConnected = "failed to connect to node";
    private const string Installed = "/usr/lib/rabbitmq/lib";

    private static readonly TimeSpan CallPatience = TimeSpan.FromMinutes(1);

    private readonly ManagedProcess _portMapper;

    /// <summary>Allows one start at a time, because the node and its port mapper may die together.</summary>
    private readonly Lock _starting = new();

    internal RabbitMqServer(DataFolder folder, ServerSettings settings)
        : base(folder, "rabbitmq", "rabbitmq", settings) => _portMapper = new ManagedProcess(folder.Run, "epmd");

    /// <summary>The connection string of the virtual host "generation".</summary>
    public override string ConnectionString => $"amqp://{Account}:{Secret("password")}@127.0.0.1:{Port}/{Account}";

    internal override IReadOnlyList<Supervised> Supervised => [.. base.Supervised, new Supervised(_portMapper, EnsureAsync)];

    private string PortMapperLog => Path.Combine(Data.Logs, "epmd.log");

    public Task AddVirtualHostAsync(string name, CancellationToken token) =>
        EvaluateAsync(
            $"""ok = rabbit_vhost:add(<<"{Checked(name)}">>, <<"{Account}">>), """
                + $"""ok = rabbit_auth_backend_internal:set_permissions(<<"{Account}">>, <<"{name}">>, """
                + $"""<<".*">>, <<".*">>, <<".*">>, <<"{Account}">>).""",
            token
        );

    public Task SetUserAsync(string virtualHost, BrokerUser user, CancellationToken token)
    {
        string name = $"<<\"{Checked(user.Name)}\">>";
        string password = $"<<\"{Checked(user.Password)}\">>";
        string acting = $"<<\"{Account}\">>";
        return EvaluateAsync(
            $"case rabbit_auth_backend_internal:lookup_user({name}) of "
                + $"{{ok, _}} -> ok = rabbit_auth_backend_internal:change_password({name}, {password}, {acting}); "
                + $"_ -> ok = rabbit_auth_backend_internal:add_user({name}, {password}, {acting}) end, "
                + $"ok = rabbit_auth_backend_internal:set_permissions({name}, <<\"{Checked(virtualHost)}\">>, "
                + $"<<\"{user.Configure}\">>, <<\"{user.Write}\">>, <<\"{user.Read}\">>, {acting}).",
            token
        );
    }

    /// <summary>Gives the server's own user, who has all permissions, its password of now.</summary>
    internal Task SetOwnPasswordAsync(CancellationToken token) =>
        EvaluateAsync(
            $"ok = rabbit_auth_backend_internal:change_password(<<\"{Account}\">>, <<\"{Secret("password")}\">>, <<\"{Account}\">>).",
            token
        );

    /// <summary>Whether a user may come by a password.</summary>
    public async Task<bool> TakesAsync(string user, string password, CancellationToken token)
    {
        try
        {
            await EvaluateAsync(
                $"{{ok, _}} = rabbit_access_control:check_user_pass_login(<<\"{Checked(user)}\">>, <<\"{Checked(password)}\">>), ok.",
                token
            );
            return true;
        }
        catch (ServerException e) when (e.Message.Contains("badmatch", StringComparison.Ordinal))
        {
            return false;
        }
    }

    public Task DropVirtualHostAsync(string name, CancellationToken token) =>
        EvaluateAsync(
            $"""
            case rabbit_vhost:exists(<<"{Checked(name)}">>) of true -> rabbit_vhost:delete(<<"{name}">>, <<"{Account}">>); false -> ok end,
            ok.
            """,
            token
        );

    public override async Task StopAsync(CancellationToken token)
    {
        await base.StopAsync(token);
        await _portMapper.StopAsync(Posix.SigTerm, TimeSpan.FromSeconds(5), token);
    }

    internal async Task<ProcessHealth> CheckPortMapperAsync(CancellationToken token)
    {
        string? problem =
            !_portMapper.IsRunning ? ProcessHealth.NotRunning
            : await ConnectsAsync(_portMapper.Port ?? 0, token) ? null
            : "does not answer";
        return new ProcessHealth(
            _portMapper.Name,
            _portMapper.Pid,
            _portMapper.Port,
            $"127.0.0.1:{_portMapper.Port}",
            problem,
            PortMapperLog
        )
        {
            Restarts = _portMapper.Restarts,
        };
    }

    private protected override async Task StartAsync(CancellationToken token)
    {
        string script = FindScript();
        if (!Process.IsRunning || !_portMapper.IsRunning)
        {
            MakeFolder();
        }

        // A running node comes back to its port mapper by itself, and looks for it on the port that it was started with
        await StartPortMapperAsync(Process.IsRunning ? _portMapper.Port : null, token);
        lock (_starting)
        {
            if (!Process.IsRunning)
            {
                int port = Ports.PreviousOrFree(Process.Port);
                PrivateFile.Write(Path.Combine(Folder, "rabbitmq.conf"), Configuration(port), User);
                Process.Start(
                    new Launch
                    {
                        Program = script,
                        Environment = Environment(),
                        User = User,
                        Folder = Folder,
                        Log = Log,
                        Port = port,
                    }
                );
            }
        }

        await Process.WaitUntilAsync(AnswersAsync, TimeSpan.FromSeconds(120), token);
    }

    /// <summary>Whether the broker greets a client that names the protocol, which it does only once it is up.</summary>
    private protected override async Task<bool> AnswersAsync(CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", Port, limit.Token);
            await using NetworkStream stream = client.GetStream();
            await stream.WriteAsync("AMQP\0\0\u0009\u0001"u8.ToArray(), limit.Token);
            byte[] frame = new byte[11];
            await stream.ReadExactlyAsync(frame, limit.Token);
            // A method frame (1) on channel 0 with Connection.Start (10, 10)
            return frame is [1, 0, 0, _, _, _, _, 0, 10, 0, 10];
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            token.ThrowIfCancellationRequested();
            return false;
        }
    }

    private static string Checked(string name) =>
        name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
            ? name
            : throw new ArgumentException($"'{name}' is not a name of letters, digits and hyphens.", nameof(name));

    /// <summary>
    /// The script that Debian's wrapper calls; the wrapper itself requires root or rabbitmq and the package's own folders.
    /// </summary>
    private static string FindScript() =>
        (Directory.Exists(Installed) ? Directory.GetDirectories(Installed, "rabbitmq_server-*") : [])
            .Select(folder => Path.Combine(folder, "sbin", "rabbitmq-server"))
            .LastOrDefault(File.Exists)
        ?? throw new ServerException("RabbitMQ is not installed: apt-get install rabbitmq-server");

    private static async Task<bool> ConnectsAsync(int port, CancellationToken token)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void MakeFolder()
    {
        Data.Open(Name, User);
        Data.Open(Path.Combine(Name, "data"), User);
        string cookie = Path.Combine(Folder, ".erlang.cookie");
        if (!File.Exists(cookie))
        {
            PrivateFile.Write(cookie, Secret("cookie"), User);
            File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        }

        PrivateFile.Write(Path.Combine(Folder, "enabled_plugins"), "[].\n", User);
        PrivateFile.Write(Path.Combine(Folder, "rabbitmq-env.conf"), "", User);
    }

    private async Task StartPortMapperAsync(int? fixedPort, CancellationToken token)
    {
        int port;
        lock (_starting)
        {
            if (_portMapper.IsRunning)
            {
                return;
            }

            port = fixedPort ?? Ports.PreviousOrFree(_portMapper.Port);
            _portMapper.Start(
                new Launch
                {
                    Program = "epmd",
                    Arguments = ["-address", "127.0.0.1", "-port", port.ToString(CultureInfo.InvariantCulture)],
                    User = User,
                    Folder = Folder,
                    Log = PortMapperLog,
                    Port = port,
                }
            );
        }

        await _portMapper.WaitUntilAsync(stop => ConnectsAsync(port, stop), TimeSpan.FromSeconds(60), token);
    }

    private string Configuration(int port) =>
        $"""
            listeners.tcp.local = 127.0.0.1:{port}
            default_vhost = {Account}
            default_user = {Account}
            default_pass = {Secret("password")}
            loopback_users = none
            vm_memory_high_watermark.absolute = 512MB
            disk_free_limit.absolute = 50MB
            raft.wal_max_size_bytes = 33554432
            log.console = true
            log.console.level = info
            log.console.formatter.single_line = on
            log.file = false

            """;

    private Dictionary<string, string> Environment() =>
        new()
        {
            ["HOME"] = Folder,
            ["RABBITMQ_NODENAME"] = Node,
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(Folder, "data"),
            ["RABBITMQ_LOG_BASE"] = Folder,
            ["RABBITMQ_CONFIG_FILE"] = Path.Combine(Folder, "rabbitmq.conf"),
            ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(Folder, "rabbitmq-env.conf"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(Folder, "enabled_plugins"),
            ["RABBITMQ_DIST_PORT"] = Ports.Free().ToString(CultureInfo.InvariantCulture),
            ["ERL_EPMD_PORT"] = _portMapper.Port.ToString()!,
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            // Loopback for nodes too; schedulers that sleep instead of spinning
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                "-kernel inet_dist_use_interface {127,0,0,1} net_setuptime 60 +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            // The script then becomes the node (exec) instead of standing beside it
            ["RUNNING_UNDER_SYSTEMD"] = "true",
        };

    /// <summary>
    /// Evaluates Erlang expressions in the server, whose value must be ok. A busy node may miss the first handshake of a call. Nothing of
    /// the call has run then, and it is made again.
    /// </summary>
    /// <exception cref="ServerException">The value is another, or the node cannot be called.</exception>
    internal async Task EvaluateAsync(string expressions, CancellationToken token)
    {
        var environment = new Dictionary<string, string> { ["HOME"] = Folder, ["ERL_EPMD_PORT"] = _portMapper.Port.ToString()! };
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                string answer = await RunAsync("erl_call", ["-n", Node, "-e"], environment, token, expressions + "\n");
                if (!answer.Contains("{ok, ok}", StringComparison.Ordinal))
                {
                    throw new ServerException($"RabbitMQ answered: {answer}", Log);
                }

                return;
            }
            catch (ServerException e) when (e.Message.Contains(NotConnected, StringComparison.Ordinal))
            {
                if (!Process.IsRunning || Stopwatch.GetElapsedTime(begin) > CallPatience)
                {
                    throw new ServerException(e.Message, Log);
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), token);
        }
    }
}
