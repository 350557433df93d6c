using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Generation.Hosting.Servers;

/// <summary>Finds free TCP ports of the loopback address.</summary>
public static class Ports
{
    /// <summary>The lowest port; below it are ports of well-known servers.</summary>
    private const int Lowest = 20_000;

    private const string RangeFile = "/proc/sys/net/ipv4/ip_local_port_range";

    private static readonly HashSet<int> Given = [];

    /// <summary>
    /// Returns a port that nobody listens on now, and each time another one. It is below those that the system gives to outgoing
    /// connections, so that none of these takes it before its server does, or while the server is restarted.
    /// </summary>
    public static int Free()
    {
        int end = FirstOfConnections();
        for (int attempt = 0; attempt < 1000 && end > Lowest + 1000; attempt++)
        {
            int port = Random.Shared.Next(Lowest, end);
            lock (Given)
            {
                if (!Given.Add(port))
                {
                    continue;
                }
            }

            if (IsFree(port))
            {
                return port;
            }
        }

        return FreeOfAll();
    }

    /// <summary>The first port that the system gives to outgoing connections.</summary>
    private static int FirstOfConnections() =>
        File.Exists(RangeFile)
        && int.TryParse(File.ReadAllText(RangeFile).Split('\t')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            ? first
            : 0;

    private static int FreeOfAll()
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

    /// <summary>
    /// Returns the port that a server had in its previous run, so that its address stays the same over a restart. Where there was no
    /// such run, or another program listens on that port now, it returns a free one.
    /// </summary>
    public static int PreviousOrFree(int? previous) => previous is { } port && IsFree(port) ? port : Free();
}
