using System.Security.Authentication;
using Generation.Storage;
using Generation.Storage.Passwords;
using Generation.Storage.Tls;
using MassTransit;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Generation.Api.Dispatch;

/// <summary>The bus, and the loops that send jobs out and bring lost ones back.</summary>
internal static class DispatchSetup
{
    public static void AddDispatch(this WebApplicationBuilder builder)
    {
        builder.Services.AddMassTransit(bus =>
        {
            // MassTransit would tell its makers how the bus is used
            bus.DisableUsageTelemetry();
            // Without the broker the API still takes jobs and answers polls
            bus.ConfigureHealthCheckOptions(options =>
            {
                options.Name = "rabbitmq";
                options.MinimalFailureStatus = HealthStatus.Degraded;
            });
            bus.UsingRabbitMq(
                (context, rabbit) =>
                {
                    var address = new Uri(StorageServices.ConnectionString(context.GetRequiredService<IConfiguration>(), "RabbitMq"));
                    ServerTrust trust = context.GetRequiredService<ServerTrust>();
                    ServerPasswords passwords = context.GetRequiredService<ServerPasswords>();
                    rabbit.Host(address, host =>
                    {
                        if (!address.UserInfo.Contains(':', StringComparison.Ordinal))
                        {
                            host.OnRefreshConnectionFactory = factory =>
                            {
                                factory.Password = passwords.Find(ServerPasswords.RabbitMq) ?? factory.Password;
                                return Task.CompletedTask;
                            };
                        }

                        host.PublisherConfirmation = true;
                        host.RequestedConnectionTimeout(TimeSpan.FromSeconds(5));
                        if (address.Scheme == "amqps")
                        {
                            host.UseSsl(ssl =>
                            {
                                ssl.Protocol = SslProtocols.None;
                                ssl.ServerName = address.Host;
                                ssl.CertificateValidationCallback = trust.Check;
                            });
                        }
                    });
                }
            );
        });
        // Answers are given without the broker: the API starts, and takes jobs, while it is away
        builder
            .Services.AddOptions<MassTransitHostOptions>()
            .Configure(options =>
            {
                options.WaitUntilStarted = false;
                options.StopTimeout = TimeSpan.FromSeconds(3);
            });
        builder.Services.AddSingleton<CommandSender>();
        builder.Services.AddHostedService<Dispatcher>();
        builder.Services.AddHostedService<Rescuer>();
    }
}
