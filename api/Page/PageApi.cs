using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Generation.Api.Page;

/// <summary>
/// The page at the root, for browsers: it uses the public API alone. Whoever does not ask for HTML gets at the root what he always got.
/// </summary>
internal static class PageApi
{
    private const string FilesPath = "/app";

    /// <summary>
    /// Scripts, styles and calls of our own origin and nothing else, beside the import map with this hash; pictures, too, out of memory and
    /// out of previews' addresses. No script makes markup out of text.
    /// </summary>
    private static string PolicyOf(string importMapHash) =>
        $"default-src 'none'; script-src 'self' 'sha256-{importMapHash}'; style-src 'self'; img-src 'self' blob: data:; "
        + "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        + "require-trusted-types-for 'script'; trusted-types 'none'";

    public static void AddPage(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<PageOptions>()
            .BindConfiguration(PageOptions.Section)
            .Validate(
                options => options.Folder is null || File.Exists(System.IO.Path.Combine(options.Folder, "index.html")),
                "Page:Folder must name a folder with the page's index.html in it."
            )
            .ValidateOnStart();
        builder.Services.AddSingleton(_ => PageFiles.BuiltIn());
    }

    /// <summary>Before routing, which would otherwise know of the root for every client.</summary>
    public static void UsePage(this WebApplication app) =>
        app.Use(
            (http, next) =>
            {
                if (!HttpMethods.IsGet(http.Request.Method))
                {
                    return next(http);
                }

                if (http.Request.Path == "/")
                {
                    return TakesHtml(http.Request) ? AnswerPageAsync(http) : next(http);
                }

                return
                    http.Request.Path.StartsWithSegments(FilesPath, StringComparison.Ordinal, out PathString rest)
                    && rest.Value?.Split('/', 3) is [_, var version, var name]
                    ? AnswerFileAsync(http, version, name, next)
                    : next(http);
            }
        );

    private static bool TakesHtml(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private static Task AnswerPageAsync(HttpContext http)
    {
        AddHeaders(http.Response);
        PageFiles files = FilesOf(http);
        http.Response.Headers.ContentSecurityPolicy = PolicyOf(files.ImportMapHash);
        http.Response.Headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        http.Response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        http.Response.Headers.Vary = HeaderNames.Accept;
        // Looked at anew each time, which costs nothing while it is the same
        http.Response.Headers.CacheControl = "no-cache";
        return files.Page.Answer(http).ExecuteAsync(http);
    }

    private static Task AnswerFileAsync(HttpContext http, string version, string name, RequestDelegate next)
    {
        PageFiles files = FilesOf(http);
        if (files.Find(name) is not { } file)
        {
            return next(http);
        }

        AddHeaders(http.Response);
        // Another process of ours, or this one before its update, named the version: it gets what there is, and does not keep it
        http.Response.Headers.CacheControl = version == files.Version ? "public, max-age=31536000, immutable" : "no-cache";
        return file.Answer(http).ExecuteAsync(http);
    }

    private static void AddHeaders(HttpResponse response)
    {
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    private static PageFiles FilesOf(HttpContext http) =>
        http.RequestServices.GetRequiredService<IOptions<PageOptions>>().Value.Folder is { } folder
            ? PageFiles.Of(folder)
            : http.RequestServices.GetRequiredService<PageFiles>();
}
