using System.Diagnostics;
using Generation.Cli.Servers;
using Generation.Storage;

namespace Generation.Tests.Storage;

/// <summary>A real S3 server of this test process alone: OpenStack Swift with its s3api, from Debian's packages.</summary>
internal sealed class SwiftServer : IAsyncDisposable
{
    private static readonly string[] Kinds = ["account", "container", "object", "proxy"];

    private readonly List<Process> _processes = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("swift-").FullName;

    public string Address { get; private set; } = "";

    /// <summary>The packages that are not here, as apt names them; empty when all are.</summary>
    public static string Missing => string.Join(' ', Kinds.Where(k => !File.Exists($"/usr/bin/swift-{k}-server")).Select(k => "swift-" + k));

    public static async Task<SwiftServer> StartAsync()
    {
        var server = new SwiftServer();
        try
        {
            await server.StartServersAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public S3Options Options(string bucket) => new()
    {
        ServiceUrl = Address,
        Bucket = bucket,
        Prefix = "outputs/",
        AccessKey = "test:tester",
        SecretKey = "secret",
        PartBytes = 5 << 20,
        TimeoutSeconds = 60,
    };

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartServersAsync()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "devices", "d1"));
        Dictionary<string, int> ports = Kinds.ToDictionary(k => k, _ => Ports.Free());
        foreach (string kind in Kinds.Take(3))
        {
            string builder = Path.Combine(_folder, kind + ".builder");
            await RunAsync("swift-ring-builder", builder, "create", "4", "1", "0");
            await RunAsync("swift-ring-builder", builder, "add", $"r1z1-127.0.0.1:{ports[kind]}/d1", "1");
            await RunAsync("swift-ring-builder", builder, "rebalance");
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "swift.conf"), """
            [swift-hash]
            swift_hash_path_suffix = tests
            [storage-policy:0]
            name = all
            default = yes
            """);
        foreach (string kind in Kinds)
        {
            string pipeline = kind == "proxy" ? "catch_errors cache listing_formats bulk s3api tempauth copy slo proxy-server" : kind + "-server";
            string config = Path.Combine(_folder, kind + "-server.conf");
            await File.WriteAllTextAsync(config, $"""
                [DEFAULT]
                bind_ip = 127.0.0.1
                bind_port = {ports[kind]}
                devices = {_folder}/devices
                mount_check = false
                swift_dir = {_folder}
                user = {Environment.UserName}
                workers = 0
                [pipeline:main]
                pipeline = {pipeline}
                [app:{kind}-server]
                use = egg:swift#{kind}
                {(kind == "proxy" ? ProxyFilters : "")}
                """);
            Process process = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", Launcher, _folder, $"swift-{kind}-server", config])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _processes.Add(process);
        }

        Address = $"http://127.0.0.1:{ports["proxy"]}";
        using var client = new HttpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        foreach (int port in ports.Values)
        {
            while (!await AnswersAsync(client, port, limit.Token))
            {
                Assert.That(_processes.All(p => !p.HasExited), "a Swift server ended while starting");
                await Task.Delay(100, limit.Token);
            }
        }
    }

    // The programs read swift.conf from /etc/swift, where Debian's packages have one and Ubuntu's have none
    private const string Launcher = """
        import runpy, shutil, sys
        from swift.common import utils
        utils.set_swift_dir(sys.argv[1])
        sys.argv = [shutil.which(sys.argv[2]), sys.argv[3]]
        runpy.run_path(sys.argv[0], run_name="__main__")
        """;

    // There is no memcached: tokens are not used, S3 requests carry their signature
    private const string ProxyFilters = """
        account_autocreate = true
        [filter:catch_errors]
        use = egg:swift#catch_errors
        [filter:cache]
        use = egg:swift#memcache
        memcache_servers = 127.0.0.1:1
        [filter:s3api]
        use = egg:swift#s3api
        location = us-east-1
        [filter:tempauth]
        use = egg:swift#tempauth
        user_test_tester = secret .admin
        [filter:copy]
        use = egg:swift#copy
        [filter:listing_formats]
        use = egg:swift#listing_formats
        [filter:bulk]
        use = egg:swift#bulk
        [filter:slo]
        use = egg:swift#slo
        """;

    private static async Task<bool> AnswersAsync(HttpClient client, int port, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await client.GetAsync($"http://127.0.0.1:{port}/healthcheck", cancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        // 1 is a warning, such as that of a ring with one device
        Assert.That(process.ExitCode, Is.LessThan(2), output);
    }
}
