using System.Security.Cryptography;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Generation.Api.OpenApi;

/// <summary>The API's description as a file, made when somebody first asks for it and kept.</summary>
internal sealed class DescriptionFile([FromKeyedServices(ApiDescription.Name)] IOpenApiDocumentProvider provider) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private volatile Made? _made;

    public async Task<IResult> AnswerAsync(CancellationToken cancellationToken)
    {
        Made made = _made ?? await MakeAsync(cancellationToken);
        return Results.Bytes(made.Json, "application/json; charset=utf-8", entityTag: new EntityTagHeaderValue(made.ETag));
    }

    public void Dispose() => _gate.Dispose();

    private async Task<Made> MakeAsync(CancellationToken cancellationToken)
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
            byte[] bytes = json.ToArray();
            return _made = new Made(bytes, $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"");
        }
        finally
        {
            _gate.Release();
        }
    }

    private sealed record Made(byte[] Json, string ETag);
}
