using System.Net.Sockets;
using Npgsql;

namespace Generation.Worker.Jobs;

/// <summary>Which failures pass by themselves.</summary>
internal static class Transient
{
    /// <summary>Whether the same call may succeed a little later: a server is away, restarting or slow.</summary>
    public static bool Is(Exception e) => e switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57", StringComparison.Ordinal),
        NpgsqlException or TimeoutException or SocketException => true,
        IOException or UnauthorizedAccessException => true,
        HttpRequestException => true,
        _ => false,
    };
}
