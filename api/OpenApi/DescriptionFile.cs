using Generation.Api.Web;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Generation.Api.OpenApi;

/// <summary>The API's description as a file, made when somebody first asks for it and kept.</summary>
internal sealed class DescriptionFile([FromKeyedServices(ApiDescription.Name)] IOpenApiDocumentProvider provider) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private volatile CompressedFile? _made;

    public async Task<IResult> AnswerAsync(HttpContext http, CancellationToken cancellationToken) =>
        (_made ?? await MakeAsync(cancellationToken)).Answer(http);

    public void Dispose() => _gate.Dispose();

    private async Task<CompressedFile> MakeAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_made is { } other)
            {
                return other;
            }

            OpenApiDocument document = await provider.GetOpenApiDocumentAsync(cancellationToken);
            using var json = new MemoryStream();
            await document.SerializeAsJsonAsync(json, OpenApiSpecVersion.OpenApi3_1, cancellationToken);
            return _made = new CompressedFile(json.ToArray(), "application/json; charset=utf-8");
        }
        finally
        {
            _gate.Release();
        }
    }
}
