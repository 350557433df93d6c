using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;

namespace Generation.Api.OpenApi;

/// <summary>Rules that hold for the whole description, so that they need not be repeated for each route.</summary>
internal static class DescriptionRules
{
    /// <summary>How names of request bodies end: in these a field that is null is the same as one that is absent.</summary>
    private const string BodySuffix = "Body";

    /// <summary>The statuses with which any call may be refused, according to what it takes.</summary>
    public static Task DescribeStatusesAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        operation.OperationId ??= NameOf(context.Description.HttpMethod ?? "", context.Description.RelativePath ?? "");
        operation.Responses ??= [];
        if (
            operation.Responses.GetValueOrDefault("401") is not OpenApiResponse { Content: { } problem }
            || !context.Description.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>().Any()
        )
        {
            return Task.CompletedTask;
        }

        // A header or a parameter that cannot be read, a key, its scope, too many calls, a server that is away
        IEnumerable<int> statuses = [400, 401, 403, 429, 503];
        if (operation.RequestBody is not null)
        {
            statuses = [.. statuses, 413, 415, 422];
        }

        if (operation.Parameters?.Any(parameter => parameter.In == ParameterLocation.Path) == true)
        {
            statuses = [.. statuses, 404];
        }

        foreach (string status in statuses.Select(s => s.ToString()).Where(s => !operation.Responses.ContainsKey(s)))
        {
            operation.Responses[status] = new OpenApiResponse
            {
                Description = ReasonPhrases.GetReasonPhrase(int.Parse(status)),
                Content = problem,
            };
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Answers leave out what they do not have, and never say null: a field that may be missing is not required, and every other is.
    /// </summary>
    public static Task DescribeAbsenceAsync(
        OpenApiDocument document,
        OpenApiDocumentTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        foreach ((string name, IOpenApiSchema described) in document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>())
        {
            if (described is OpenApiSchema { Enum.Count: > 0, Type: null } names)
            {
                // Every enumeration travels by its names
                names.Type = JsonSchemaType.String;
            }

            if (described is not OpenApiSchema { Properties: { } properties } schema)
            {
                continue;
            }

            bool isBody = name.EndsWith(BodySuffix, StringComparison.Ordinal);
            var always = new HashSet<string>(StringComparer.Ordinal);
            foreach ((string field, IOpenApiSchema value) in properties.ToArray())
            {
                if (!IsNullable(value))
                {
                    always.Add(field);
                }
                else if (!isBody || schema.Required?.Contains(field) == true)
                {
                    properties[field] = WithoutNull(value);
                }
            }

            if (!isBody)
            {
                schema.Required = always;
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsNullable(IOpenApiSchema value) =>
        value.Type?.HasFlag(JsonSchemaType.Null) == true || value.OneOf is { Count: 2 } either && either.Any(IsNull);

    private static bool IsNull(IOpenApiSchema value) => value.Type == JsonSchemaType.Null;

    private static IOpenApiSchema WithoutNull(IOpenApiSchema value)
    {
        if (value.OneOf is { Count: 2 } either)
        {
            return either.First(one => !IsNull(one));
        }

        ((OpenApiSchema)value).Type = value.Type & ~JsonSchemaType.Null;
        return value;
    }

    /// <summary>A name for a call that has none: "get v1/admin/accounts/{id}" is getAdminAccountsById.</summary>
    private static string NameOf(string method, string path) =>
        string.Concat([
            method.ToLowerInvariant(),
            .. path.Split('/', StringSplitOptions.RemoveEmptyEntries)
                .Where(part => part != ApiDescription.Name)
                .Select(part => part.StartsWith('{') ? "By" + Upper(part.Trim('{', '}').Split(':')[0]) : Upper(part)),
        ]);

    private static string Upper(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
