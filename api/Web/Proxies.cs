using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace Generation.Api.Web;

/// <summary>Which proxies stand before the API: configuration section "Proxies".</summary>
internal sealed record ProxyOptions
{
    public const string Section = "Proxies";

    /// <summary>
    /// Addresses and networks of the proxies, as 10.0.5.7 or 10.0.5.0/24, with commas between them. Of a request that comes from one of
    /// them, X-Forwarded-For says who calls, and X-Forwarded-Proto and X-Forwarded-Host how. Empty: nobody is believed.
    /// </summary>
    public string Known { get; init; } = "";

    /// <summary>Whether each is an address or a network.</summary>
    public bool IsValid => All.All(text => NetworkOf(text) is not null);

    /// <summary>All of them as networks; an address is one of its own.</summary>
    public IEnumerable<IPNetwork> Networks => All.Select(NetworkOf).OfType<IPNetwork>();

    private string[] All => Known.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IPNetwork? NetworkOf(string text) =>
        IPAddress.TryParse(text, out IPAddress? address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : IPNetwork.TryParse(text, out IPNetwork network) ? network
        : null;
}

/// <summary>
/// Whose request it is, and at which address it came, where a known proxy says so; by the framework's own middleware. What follows (limits
/// of unknown keys and of bodies by address, addresses in answers) sees the client and what the client called.
/// </summary>
internal static class Proxies
{
    public static void AddProxies(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<ProxyOptions>()
            .BindConfiguration(ProxyOptions.Section)
            .Validate(
                o => o.IsValid,
                "Proxies:Known must name addresses or networks, as 10.0.5.7 or 10.0.5.0/24, with commas between them."
            )
            .ValidateOnStart();
        builder.Services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            ProxyOptions options = builder.Configuration.GetSection(ProxyOptions.Section).Get<ProxyOptions>() ?? new ProxyOptions();
            forwarded.ForwardedHeaders =
                ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
            // As many as are known, one behind the other: the first that is not is the client
            forwarded.ForwardLimit = null;
            // Not even this machine, which the framework would believe
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (IPNetwork network in options.Networks)
            {
                forwarded.KnownIPNetworks.Add(network);
            }
        });
    }

    /// <summary>Before all that looks at the caller's address.</summary>
    public static void UseProxies(this WebApplication app)
    {
        ProxyOptions options = app.Configuration.GetSection(ProxyOptions.Section).Get<ProxyOptions>() ?? new ProxyOptions();
        // Without any known proxy the framework would believe every one
        if (options.Networks.Any())
        {
            app.UseForwardedHeaders();
        }
    }
}
