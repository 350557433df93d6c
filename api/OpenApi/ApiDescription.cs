using System.Text.Json.Nodes;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Generation.Api.OpenApi;

/// <summary>/openapi/v1.json, and /docs to try it by hand.</summary>
internal static class ApiDescription
{
    /// <summary>The document's name.</summary>
    public const string Name = "v1";

    public static void AddApiDescription(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DescriptionFile>();
        builder.Services.AddOpenApi(Name, options =>
        {
            options.AddDocumentTransformer(
                (document, _, _) =>
                {
                    document.Info = new OpenApiInfo
                    {
                        Title = "Generation",
                        Version = "v1",
                        Description =
                            "Pictures and clips from diffusion models, made by workers of your own. A request is answered at once with a "
                            + "job; the job is polled until it has succeeded, and its outputs are fetched. Errors are RFC 9457 problem "
                            + "documents with a stable 'code' and, for fields, 'errors'.",
                    };
                    // Relative: right behind any proxy
                    document.Servers = [new OpenApiServer { Url = "/" }];
                    document.Components ??= new OpenApiComponents();
                    document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
                    {
                        ["key"] = new OpenApiSecurityScheme
                        {
                            Type = SecuritySchemeType.Http,
                            Scheme = "bearer",
                            Description = "A key: gk_... Whoever is signed in at the page of this system needs none at /docs.",
                        },
                        ["header"] = new OpenApiSecurityScheme
                        {
                            Type = SecuritySchemeType.ApiKey,
                            In = ParameterLocation.Header,
                            Name = "X-Api-Key",
                        },
                    };
                    document.Security =
                    [
                        new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", document)] = [] },
                        new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("header", document)] = [] },
                    ];
                    return Task.CompletedTask;
                }
            );
            options.AddOperationTransformer(DescribeOperationAsync);
            options.AddOperationTransformer(DescriptionRules.DescribeStatusesAsync);
            options.AddSchemaTransformer(DescribeSchemaAsync);
            options.AddDocumentTransformer(DescriptionRules.DescribeAbsenceAsync);
        });
    }

    public static void MapApiDescription(this WebApplication app)
    {
        app.MapGet($"/openapi/{Name}.json", (HttpContext http, DescriptionFile file, CancellationToken cancellationToken) =>
                file.AnswerAsync(http, cancellationToken)
            )
            .AllowAnonymous()
            .ExcludeFromDescription();
        // Apart from the others' way, on which it would hold each path against its patterns
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments("/docs", StringComparison.OrdinalIgnoreCase),
            docs =>
            {
                docs.UseHeadAsGet();
                docs.UseSwaggerUI(ui =>
                {
                    ui.RoutePrefix = "docs";
                    ui.SwaggerEndpoint("/openapi/v1.json", "Generation v1");
                    ui.DocumentTitle = "Generation";
                    // Whoever is signed in at the page needs no key here: a call without one goes by the session, with the header
                    // that it asks for (SessionMiddleware.Header)
                    ui.UseRequestInterceptor(
                        $"(request) => {{ request.headers['{Sessions.SessionMiddleware.Header}'] = '1'; return request; }}"
                    );
                });
            }
        );
    }

    private static Task DescribeOperationAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<TakesIdempotencyKey>().Any())
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(
                Header("Idempotency-Key", "A repeated request with this key is answered as the first was, for 24 hours", "order-1234")
            );
        }

        if (KindTable.Find(operation.OperationId) is { } kind)
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(
                Header("Prefer", $"wait=N: answer when the job is done, or after N (1 to {Preferences.MaxWaitSeconds}) seconds", "wait=30")
            );
            SetExample(operation, kind);
        }

        if (
            KindTable.All.FirstOrDefault(known => operation.OperationId?.StartsWith(known.Name + "-", StringComparison.Ordinal) == true) is
            { } asked
        )
        {
            // What it would cost, or be shown: of the same request
            SetExample(operation, asked);
        }

        if (operation.OperationId == "listJobs")
        {
            operation.Parameters ??= [];
            foreach (
                (string name, string text) in new[]
                {
                    ("state", "queued, running, succeeded, failed, cancelled or expired"),
                    ("kind", string.Join(", ", KindTable.All.Select(known => known.Name))),
                    ("model", "a model's name"),
                    ("created_after", "a time"),
                    ("created_before", "a time"),
                    ("prompt", "words that the prompt has in it, in large or small letters"),
                    ("order", "desc or asc"),
                    ("limit", "1 to 100, else 20"),
                    ("cursor", "next_cursor of the page before"),
                }
            )
            {
                operation.Parameters.Add(Query(name, text));
            }
        }

        if (operation.OperationId == "listTransactions")
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(Query("limit", "1 to 100, else 20"));
            operation.Parameters.Add(Query("cursor", "next_cursor of the page before"));
        }

        return Task.CompletedTask;
    }

    private static void SetExample(OpenApiOperation operation, KindDefinition kind)
    {
        if (operation.RequestBody?.Content?.TryGetValue("application/json", out OpenApiMediaType? body) == true)
        {
            body.Example = JsonNode.Parse(kind.Example);
        }
    }

    private static Task DescribeSchemaAsync(
        OpenApiSchema schema,
        OpenApiSchemaTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        Type type = context.JsonTypeInfo.Type;
        if (type == typeof(JobId))
        {
            schema.Type = JsonSchemaType.String;
            schema.Format = "uuid";
        }
        else if (type == typeof(Credits))
        {
            schema.Type = JsonSchemaType.Number;
            schema.Description = "Credits, exact to a millionth";
        }
        else if (type == typeof(PictureSource))
        {
            schema.Type = JsonSchemaType.String;
            schema.Properties?.Clear();
        }
        else if (KindTable.FindByBody(type) is { } kind)
        {
            schema.Required = kind.RequiredFields.ToHashSet();
            schema.AdditionalPropertiesAllowed = false;
        }

        return Task.CompletedTask;
    }

    private static OpenApiParameter Header(string name, string description, string example) =>
        new()
        {
            Name = name,
            In = ParameterLocation.Header,
            Description = description,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            Example = example,
        };

    private static OpenApiParameter Query(string name, string description) =>
        new()
        {
            Name = name,
            In = ParameterLocation.Query,
            Description = description,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        };
}
