using System.Net.Sockets;
using Amazon.Runtime;
using Npgsql;

namespace Generation.Service.Jobs;

/// <summary>Tells the failures that pass by themselves from those that do not.</summary>
internal static class Transient
{
    /// <summary>Whether the same call may succeed a little later: a server is away, restarting or slow.</summary>
    public static bool Is(Exception e) =>
        e switch
        {
            PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57", StringComparison.Ordinal),
            NpgsqlException or TimeoutException or SocketException => true,
            IOException or UnauthorizedAccessException => true,
            HttpRequestException => true,
            // From S3: no connection at all, or an answer that says to come again
            AmazonServiceException s3 => (int)s3.StatusCode is 0 or 429 or >= 500,
            AmazonClientException => true,
            _ => false,
        };
}
