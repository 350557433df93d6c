using Generation.Hosting.Servers;

namespace Generation.TestSupport;

/// <summary>A way to real servers. Tests go through <see cref="TestServers"/> and do not know which it is.</summary>
internal interface ITestServers
{
    /// <summary>Those that the fixtures of this process share, not started yet.</summary>
    public IServers Shared { get; }

    /// <summary>Servers for one stack, not started yet. Private ones keep their data in the folder.</summary>
    public IServers NewServers(DataFolder folder);

    /// <summary>An S3 server for one fixture.</summary>
    public Task<IS3Server> StartS3Async(CancellationToken token);

    /// <summary>Removes what was started, at the end of the process's tests.</summary>
    public Task EndAsync();
}

/// <summary>An S3 server with one account. Disposing ends it.</summary>
public interface IS3Server : IAsyncDisposable
{
    public Uri Address { get; }

    public string AccessKey { get; }

    public string SecretKey { get; }

    /// <summary>
    /// Whether it lists a bucket's unfinished uploads as S3 does. MinIO lists those of one key alone, and drops old ones by itself.
    /// </summary>
    public bool ListsUploads { get; }
}
