using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Generation.Api.Tests;

/// <summary>
/// A web server that answers as the servers do that callers name: with a picture, slowly, endlessly, or by leading elsewhere.
/// </summary>
internal sealed class PictureSite : IAsyncDisposable
{
    /// <summary>A PNG file of 1 x 1 pixel.</summary>
    public static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    );

    private readonly WebApplication _site;

    private PictureSite(WebApplication site) => _site = site;

    /// <summary>Its address at 127.0.0.1, as "http://127.0.0.1:PORT".</summary>
    public string Address =>
        _site
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.Single()
            .Replace("0.0.0.0", "127.0.0.1");

    public int Port => new Uri(Address).Port;

    public static async Task<PictureSite> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        // At every address, so that one of this machine's can lead to another
        builder.WebHost.UseUrls("http://0.0.0.0:0");
        builder.Logging.ClearProviders();
        WebApplication site = builder.Build();
        site.MapGet("/picture", () => Results.Bytes(Png, "text/plain"));
        site.MapGet("/redirect", (int times) => Results.Redirect(times == 1 ? "/picture" : $"/redirect?times={times - 1}"));
        site.MapGet("/elsewhere", () => Results.Redirect("file:///etc/passwd"));
        site.MapGet("/away", (string to) => Results.Redirect(to));
        site.MapGet("/text", () => "hello");
        site.MapGet("/large", () => Results.Bytes(new byte[100_001]));
        site.MapGet("/endless", async (HttpContext http) =>
        {
            byte[] chunk = new byte[10_000];
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.Body.WriteAsync(chunk, http.RequestAborted);
            }
        });
        site.MapGet("/slow", async (HttpContext http) => await Task.Delay(Timeout.Infinite, http.RequestAborted));
        await site.StartAsync();
        return new PictureSite(site);
    }

    public ValueTask DisposeAsync() => _site.DisposeAsync();
}
