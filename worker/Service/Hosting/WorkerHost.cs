using System.Security.Authentication;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Diagnostics.Logging;
using Generation.Diagnostics.Settings;
using Generation.Imaging.Isolation;
using Generation.Service.Jobs;
using Generation.Service.Models;
using Generation.Service.Presence;
using Generation.Service.Queue;
using Generation.Service.Rendering;
using Generation.Service.Running;
using Generation.Storage;
using Generation.Storage.Passwords;
using Generation.Storage.Tls;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Generation.Service.Hosting;

/// <summary>Builds the worker program from its parts.</summary>
public static class WorkerHost
{
    /// <summary>
    /// The address to listen on where none is set. The system chooses a free port, since several workers share a machine.
    /// </summary>
    private const string AnyLocalPort = "http://127.0.0.1:0";

    /// <summary>Builds the program without starting it.</summary>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.Configuration.AddSettingsFile();
        builder.Configuration.AddLogDefaults();
        configure?.Invoke(builder);
        if (string.IsNullOrEmpty(builder.Configuration["urls"]))
        {
            builder.WebHost.UseUrls(AnyLocalPort);
        }

        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddGenerationStorage(builder.Configuration);
        builder.Services.AddGenerationTelemetry(builder.Configuration, "generation-worker");
        AddOptions(builder);
        AddModels(builder.Services);
        AddJobs(builder.Services);
        AddQueue(builder.Services, StorageServices.ConnectionString(builder.Configuration, "RabbitMq"));
        AddPresence(builder.Services);

        WebApplication app = builder.Build();
        app.MapHealth();
        return app;
    }

    private static void AddOptions(WebApplicationBuilder builder)
    {
        IConfigurationSection worker = builder.Configuration.GetSection(WorkerOptions.Section);
        builder
            .Services.AddOptions<WorkerOptions>()
            .Bind(worker)
            .PostConfigure(options =>
            {
                // Worker:Models is a list, or names with commas between them, as an environment variable has it
                if (worker["Models"] is { Length: > 0 } names)
                {
                    options.Models = names.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                }
            })
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder
            .Services.AddOptions<ModelsOptions>()
            .Bind(builder.Configuration.GetSection(ModelsOptions.Section))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        // A little over the jobs' stop, so that the program has ended within 5 s of being asked
        builder
            .Services.AddOptions<HostOptions>()
            .Configure<IOptions<WorkerOptions>>(
                (host, options) => host.ShutdownTimeout = options.Value.StopTime + TimeSpan.FromSeconds(0.7)
            );
    }

    private static void AddModels(IServiceCollection services)
    {
        services.AddSingleton<ModelCatalog>();
        services.AddSingleton<ModelLoader>();
        services.AddSingleton<MemoryBudget>();
        services.AddSingleton<ModelCache>();
    }

    private static void AddJobs(IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var gate = new SlotGate(
                provider.GetRequiredService<IOptions<WorkerOptions>>().Value.Slots,
                provider.GetRequiredService<TimeProvider>()
            );
            // One that was drained and is started again must not take a job before it learns that it still is
            gate.Hold(Holds.Unregistered, held: true);
            return gate;
        });
        services.AddSingleton<ComputeThreads>();
        services.AddSingleton(provider => new DecoderPool(provider.GetRequiredService<IOptions<WorkerOptions>>().Value.Slots));
        services.AddSingleton<StoredFiles>();
        services.AddSingleton<JobPlans>();
        services.AddSingleton<PictureFinisher>();
        services.AddSingleton<Renderers>();
        services.AddSingleton<DenoisingLoop>();
        services.AddSingleton<ClipFinisher>();
        services.AddSingleton<PictureLoop>();
        services.AddSingleton<ModelAdapters>();
        services.AddSingleton<MaskFinding>();
        services.AddRenderer<Text2ImgRenderer>(JobKind.Text2Img);
        services.AddRenderer<Img2ImgRenderer>(JobKind.Img2Img);
        services.AddRenderer<InpaintRenderer>(JobKind.Inpaint);
        services.AddRenderer<OutpaintRenderer>(JobKind.Outpaint);
        services.AddRenderer<EditRenderer>(JobKind.Edit);
        services.AddRenderer<ControlNetRenderer>(JobKind.ControlNet);
        services.AddRenderer<SuperResolutionRenderer>(JobKind.SuperResolution);
        services.AddRenderer<VideoRenderer>(JobKind.Video);
        services.AddSingleton<Checkpoints>();
        services.AddSingleton<ProcessRecycler>();
        services.AddSingleton<FailureTranslator>();
        services.AddSingleton<JobRunner>();
        services.AddSingleton<RunningJobs>();
        services.AddSingleton<JobClaims>();
        services.AddSingleton<WorkerMetrics>();
        services.AddSingleton(provider =>
        {
            // Listening begins before anything is measured
            var text = new PrometheusText(WorkerMetrics.MeterName);
            provider.GetRequiredService<WorkerMetrics>();
            return text;
        });
    }

    private static void AddQueue(IServiceCollection services, string address)
    {
        services.AddMassTransit(bus =>
        {
            // MassTransit would tell its makers how the bus is used
            bus.DisableUsageTelemetry();
            bus.AddConsumer<RunJobConsumer>();
            bus.UsingRabbitMq(
                (context, rabbit) =>
                {
                    var server = new Uri(address);
                    ServerTrust trust = context.GetRequiredService<ServerTrust>();
                    ServerPasswords passwords = context.GetRequiredService<ServerPasswords>();
                    rabbit.Host(server, host =>
                    {
                        if (!server.UserInfo.Contains(':', StringComparison.Ordinal))
                        {
                            host.OnRefreshConnectionFactory = factory =>
                            {
                                factory.Password = passwords.Find(ServerPasswords.RabbitMq) ?? factory.Password;
                                return Task.CompletedTask;
                            };
                        }

                        if (server.Scheme == "amqps")
                        {
                            host.UseSsl(ssl =>
                            {
                                ssl.Protocol = SslProtocols.None;
                                ssl.ServerName = server.Host;
                                ssl.CertificateValidationCallback = trust.Check;
                            });
                        }
                    });
                }
            );
        });
        services
            .AddOptions<MassTransitHostOptions>()
            .Configure(options =>
            {
                options.WaitUntilStarted = false;
                options.StopTimeout = TimeSpan.FromSeconds(0.5);
            });
        services.AddHostedService<ResultsGuard>();
        services.AddSingleton<ModelAffinity>();
        services.AddSingleton<JobEndpoints>();
        services.AddHostedService(provider => provider.GetRequiredService<JobEndpoints>());
    }

    /// <summary>Hosted services stop in the opposite order: first the jobs, then the presence, then queue and bus.</summary>
    private static void AddPresence(IServiceCollection services)
    {
        services.AddSingleton<WorkerWarmUp>();
        services.AddSingleton<WorkerPresence>();
        services.AddHostedService(provider => provider.GetRequiredService<WorkerWarmUp>());
        services.AddHostedService(provider => provider.GetRequiredService<WorkerPresence>());
        services.AddHostedService<WorkerStop>();
    }
}
