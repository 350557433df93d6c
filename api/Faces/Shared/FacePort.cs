namespace Generation.Api.Faces.Shared;

/// <summary>Ports of faces whose clients cannot have a path in their address.</summary>
internal static class FacePort
{
    /// <summary>Lets the server listen on a face's port, too, beside the addresses that it has.</summary>
    public static void ListenOn(this WebApplicationBuilder builder, int? port)
    {
        if (port is { } own)
        {
            string others = builder.Configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls ? urls : "http://localhost:5000";
            builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, $"{others};http://*:{own}");
        }
    }

    /// <summary>Whether a request is a face's by its host name or its port.</summary>
    public static bool IsAt(HttpRequest request, IReadOnlyCollection<string> hosts, int? port) =>
        hosts.Contains(request.Host.Host, StringComparer.OrdinalIgnoreCase)
        || (port is { } own && request.HttpContext.Connection.LocalPort == own);
}
