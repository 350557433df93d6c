using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Web;

/// <summary>
/// Answers HEAD wherever there is GET, as GET would be answered, without a body (RFC 9110, section 9.3.2). A route that does something for
/// GET, as some faces' do, has none.
/// </summary>
internal static class HeadRequests
{
    /// <summary>Before routing, which knows of GET only.</summary>
    public static void UseHeadRequests(this WebApplication app) =>
        app.Use((http, next) => HttpMethods.IsHead(http.Request.Method) ? AnswerAsync(http, next) : next(http));

    /// <summary>Behind routing: what follows knows that it is a HEAD, and spares itself the body where it can.</summary>
    public static void UseHeadRoutes(this WebApplication app) =>
        app.Use(
            (http, next) =>
            {
                if (http.Features.Get<HeadRequest>() is null)
                {
                    return next(http);
                }

                http.Request.Method = HttpMethods.Head;
                IReadOnlyList<string> methods = http.GetEndpoint()?.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [];
                if (methods.Any(method => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method)))
                {
                    http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                    http.Response.Headers.Allow = string.Join(", ", methods);
                    return Task.CompletedTask;
                }

                return next(http);
            }
        );

    /// <summary>For what answers GET only, though it looks at the method itself.</summary>
    public static void UseHeadAsGet(this IApplicationBuilder app) =>
        app.Use(
            (http, next) =>
            {
                http.Request.Method = HttpMethods.IsHead(http.Request.Method) ? HttpMethods.Get : http.Request.Method;
                return next(http);
            }
        );

    private static async Task AnswerAsync(HttpContext http, RequestDelegate next)
    {
        http.Features.Set(new HeadRequest());
        http.Request.Method = HttpMethods.Get;
        IHttpResponseBodyFeature real = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        CancellationToken gone = http.RequestAborted;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(gone);
        http.RequestAborted = enough.Token;
        await using var nothing = new NoBody(http, real, enough);
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(nothing, real));
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (http.Response.HasStarted && !gone.IsCancellationRequested)
        {
            // The headers are out, and there was nothing more to do
        }
        finally
        {
            http.Request.Method = HttpMethods.Head;
            http.RequestAborted = gone;
            http.Features.Set(real);
        }
    }

    /// <summary>Marks a request that came as HEAD.</summary>
    private sealed class HeadRequest;

    /// <summary>Takes a body for nothing. With its first byte the headers are sent, and whoever writes events is told to stop.</summary>
    private sealed class NoBody(HttpContext http, IHttpResponseBodyFeature real, CancellationTokenSource enough) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            await FlushAsync(cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            FlushAsync(cancellationToken);

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            if (!http.Response.HasStarted)
            {
                await real.StartAsync(cancellationToken);
            }

            if (http.Response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true)
            {
                // It would go on for as long as somebody listens
                await enough.CancelAsync();
            }
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            // Sent with the end of the request
        }

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
