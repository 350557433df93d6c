using Generation.Diagnostics.Logging;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Generation.Diagnostics;

/// <summary>
/// Exports traces and metrics to an OpenTelemetry collector, by the standard's own variables: OTEL_EXPORTER_OTLP_ENDPOINT turns the export
/// on, OTEL_EXPORTER_OTLP_PROTOCOL is grpc or http/protobuf, OTEL_SERVICE_NAME renames the service. Without an endpoint nothing is
/// recorded.
/// </summary>
public static class OpenTelemetryExport
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";

    private static readonly string[] Sources = [Tracing.SourceName, "Microsoft.AspNetCore", "MassTransit", "Npgsql", "System.Net.Http"];

    private static readonly string[] Meters =
    [
        "Generation.Api",
        "Generation.Worker",
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "MassTransit",
        "Npgsql",
        "System.Runtime",
    ];

    public static IServiceCollection AddGenerationTelemetry(this IServiceCollection services, IConfiguration configuration, string service)
    {
        if (configuration[Endpoint] is not { Length: > 0 } text)
        {
            return services;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint))
        {
            throw new InvalidOperationException($"{Endpoint} is '{text}' and must be an address, as http://collector:4317.");
        }

        bool isHttp = configuration[Protocol] switch
        {
            null or "" or "grpc" => false,
            "http/protobuf" => true,
            { } other => throw new InvalidOperationException($"{Protocol} is '{other}' and must be grpc or http/protobuf."),
        };
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService(configuration["OTEL_SERVICE_NAME"] ?? service);
        return services.AddHostedService(_ => new Export(resource, endpoint, isHttp));
    }

    private sealed class Export(ResourceBuilder resource, Uri endpoint, bool isHttp) : IHostedService, IDisposable
    {
        private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

        private TracerProvider? _traces;
        private MeterProvider? _metrics;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            _traces = Sdk.CreateTracerProviderBuilder()
                .SetResourceBuilder(resource)
                .AddSource(Sources)
                // Before the exporter: processors see a span in the order in which they were added
                .AddProcessor(new SpanRedaction())
                .AddOtlpExporter(options => Set(options, "traces"))
                .Build();
            _metrics = Sdk.CreateMeterProviderBuilder()
                .SetResourceBuilder(resource)
                .AddMeter(Meters)
                .AddOtlpExporter(options => Set(options, "metrics"))
                .Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            // A collector that is away must not hold up a stop
            _traces?.ForceFlush((int)LastWords.TotalMilliseconds);
            return Task.CompletedTask;
        }

        public void Dispose()
        {
            _traces?.Dispose();
            _metrics?.Dispose();
        }

        private void Set(OtlpExporterOptions options, string signal)
        {
            options.Protocol = isHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
            options.Endpoint = isHttp ? new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/v1/{signal}") : endpoint;
            options.TimeoutMilliseconds = 5000;
        }
    }
}
