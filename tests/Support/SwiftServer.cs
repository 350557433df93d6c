using System.Diagnostics;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.TestSupport;

/// <summary>OpenStack Swift with its s3api, from Debian's packages.</summary>
internal sealed class SwiftServer : IS3Server
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("swift-").FullName;
    private readonly Process _process;

    private SwiftServer()
    {
        int[] ports = [.. Enumerable.Range(0, 4).Select(_ => Ports.Free())];
        Address = new Uri($"http://127.0.0.1:{ports[0]}");
        string script = Path.Combine(Clone.Current.Root, "tests", "Support", "containers", "start-swift");
        string log = Path.Combine(_folder, "log");
        string[] arguments = [_folder, "127.0.0.1", .. ports.Select(port => $"{port}"), AccessKey, SecretKey];
        _process = Process.Start("bash", ["-c", "exec \"$@\" >\"$0\" 2>&1", log, script, .. arguments]);
    }

    public Uri Address { get; }

    public string AccessKey => "tests:owner";

    public string SecretKey => "secret";

    public bool ListsUploads => true;

    public static async Task<IS3Server> StartAsync(CancellationToken token)
    {
        string[] packages = ["swift-account", "swift-container", "swift-object", "swift-proxy"];
        string[] missing = [.. packages.Where(name => !File.Exists($"/usr/bin/{name}-server"))];
        if (missing.Length > 0)
        {
            throw new ServerException($"There is no S3 server to test against: apt-get install {string.Join(' ', missing)}");
        }

        var server = new SwiftServer();
        try
        {
            await server.WaitAsync(token);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WaitAsync(CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(StartLimit);
        using var client = new HttpClient();
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(new Uri(Address, "healthcheck"), limit.Token);
                return;
            }
            catch (HttpRequestException) when (!_process.HasExited)
            {
                await Task.Delay(100, limit.Token);
            }
            catch (HttpRequestException)
            {
                throw new ServerException(
                    $"Swift ended while it started:\n{await File.ReadAllTextAsync(Path.Combine(_folder, "log"), token)}"
                );
            }
        }
    }
}
