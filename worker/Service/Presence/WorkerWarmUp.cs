using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Isolation;
using Generation.Service.Models;
using Generation.Service.Running;
using Generation.Storage.Jobs;

namespace Generation.Service.Presence;

/// <summary>
/// Loads the default model before any job asks for it, and listens for cancellations, so that they take effect within a step and not only
/// with the next renewal of a lease.
/// </summary>
internal sealed class WorkerWarmUp(
    ModelCache cache,
    ModelCatalog catalog,
    DecoderPool decoders,
    HotState hotState,
    RunningJobs running,
    TimeProvider time,
    ILogger<WorkerWarmUp> logger
) : BackgroundService
{
    /// <summary>How often the subscription is renewed, because it may be lost with Redis.</summary>
    private static readonly TimeSpan SubscribeAgain = TimeSpan.FromSeconds(30);

    /// <summary>Whether loading the default model has ended, well or not.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Stops the start of a worker that could not write or read pictures.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            PictureCodec.Encode(new Picture(1, 1, 3), PictureFormat.Png);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            throw new InvalidOperationException(
                "libSkiaSharp.so, which reads and writes pictures, is not beside the worker or cannot be loaded here "
                    + $"({e.GetBaseException().Message}); build or publish the worker on a system like this.",
                e
            );
        }

        if (await decoders.StartAsync(cancellationToken) is { } lacks)
        {
            WorkerLog.DecodersLack(logger, lacks);
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken) =>
        await Task.WhenAll(LoadAsync(stoppingToken), ListenAsync(stoppingToken));

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            using ModelLease lease = await cache.AcquireAsync(catalog.Default.Name, ModelUses.First(catalog.Default), cancellationToken);
        }
        catch (ModelUnavailableException e)
        {
            // A job that wants it will say so to its owner; the worker's other models work
            WorkerLog.WarmUpFailed(logger, catalog.Default.Name, e.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }

        IsDone = true;
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await using IAsyncDisposable subscription = await hotState.SubscribeToCancelsAsync(running.LookAtLease, cancellationToken);
            await Task.Delay(SubscribeAgain, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
