using System.Net;
using System.Net.Sockets;

namespace Generation.Cli.Servers;

/// <summary>TCP ports of the loopback address.</summary>
internal static class Ports
{
    /// <summary>A port that nobody listens on now. Somebody may take it before its server does: starters try again with another.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Whether a server could listen on <paramref name="port"/> now.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The port of the last time, so that addresses outlive a restart, or a new one where somebody has taken it.</summary>
    public static int Again(int? last) => last is { } port && IsFree(port) ? port : Free();
}
