namespace Generation.Api;

/// <summary>
/// A feature of requests whose clients expect errors in another shape than problem documents. Status, Retry-After and
/// Cache-Control stand already when it is called, and may be changed.
/// </summary>
public interface IProblemShape
{
    public Task WriteAsync(HttpContext http, Problem problem);
}
