using System.ComponentModel.DataAnnotations;
using System.Net;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Status;

/// <summary>Settings of who may learn about the machine itself: configuration section "Status".</summary>
internal sealed record OperatorOptions
{
    public const string Section = "Status";

    /// <summary>One of the ports on which the API listens, if only operators can reach it. Without it, there is no such port.</summary>
    [Range(1, 65_535)]
    public int? Port { get; init; }
}

/// <summary>
/// Tells operators, who may learn of hosts, users and paths, from everybody else: by a key with the admin scope, by the operators' port, or
/// because they ask from the machine itself and no proxy says that it asks for another.
/// </summary>
internal static class Operators
{
    private static readonly string[] Forwarding =
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Original-For",
        "X-Real-IP",
    ];

    /// <summary>Whether a request is an operator's.</summary>
    public static bool Has(HttpContext http) =>
        http.Features.Get<Caller>()?.May(Scopes.Admin) == true
        || http.RequestServices.GetRequiredService<IOptions<OperatorOptions>>().Value.Port == http.Connection.LocalPort
        || (
            http.Connection.RemoteIpAddress is { } address
            && IPAddress.IsLoopback(address)
            && !Forwarding.Any(http.Request.Headers.ContainsKey)
        );
}
