using System.Collections.Concurrent;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Isolation;

/// <summary>
/// Decodes pictures of strangers in processes of their own, which hold no secrets, have limits, and can do nothing but read a file from a
/// pipe and write pixels to another (the program Generation.Decoder). A process serves one picture after another; one that dies or takes
/// too long is replaced.
/// </summary>
/// <param name="size">How many pictures are decoded at a time, and so how many processes there are, at most.</param>
/// <param name="settings">The limits of pictures and processes.</param>
public sealed class DecoderPool(int size, DecoderSettings? settings = null) : IAsyncDisposable
{
    /// <summary>A picture's second try is in a fresh process: the first may have been ended by somebody else, for want of memory.</summary>
    private const int Tries = 2;

    private readonly DecoderSettings _settings = settings ?? new DecoderSettings();
    private readonly SemaphoreSlim _free = new(size, size);
    private readonly ConcurrentStack<DecoderProcess> _idle = [];

    /// <summary>The ids of the processes that wait for a picture.</summary>
    internal IReadOnlyList<int> Idle => [.. _idle.Select(decoder => decoder.Id)];

    /// <summary>Starts a first process, so that no picture waits for it.</summary>
    /// <returns>What its confinement lacks on this machine, and how to mend that; null where it lacks nothing.</returns>
    /// <exception cref="DecoderException">Decoders cannot be started here. The message says what to do.</exception>
    public async Task<string?> StartAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            DecoderProcess decoder = await DecoderProcess.StartAsync(_settings, cancellationToken);
            _idle.Push(decoder);
            return decoder.Lacks;
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Decodes a file as <see cref="Codecs.PictureCodec.Decode"/> does.</summary>
    /// <exception cref="PictureException">
    /// The file is not a PNG, JPEG or WebP picture, is damaged or too large, or takes more memory or time to decode than the limits allow.
    /// </exception>
    /// <exception cref="DecoderException">Decoders cannot be started here. The message says what to do.</exception>
    public Task<Picture> DecodeAsync(ReadOnlyMemory<byte> file, CancellationToken cancellationToken) =>
        DecodeAsync(file, null, cancellationToken);

    /// <summary>
    /// As above, and gives the picture in colour, without transparency, and in another size where <paramref name="size"/> says one: this
    /// process then holds no more of it than that, however large the file's picture is.
    /// </summary>
    public async Task<Picture> DecodeAsync(ReadOnlyMemory<byte> file, DecodedSize? size, CancellationToken cancellationToken)
    {
        _settings.Pictures.CheckBytes(file.Length);
        await _free.WaitAsync(cancellationToken);
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                DecoderProcess decoder = await TakeAsync(isFresh: attempt > 1, cancellationToken);
                bool isWhole = false;
                try
                {
                    Picture picture = await decoder.DecodeAsync(file, size, cancellationToken);
                    isWhole = true;
                    return picture;
                }
                catch (PictureException e) when (attempt < Tries && e.Message == DecoderMessages.TooMuchMemory(_settings.MemoryBytes))
                {
                    // What others left in that process may have taken the memory
                }
                catch (PictureException)
                {
                    isWhole = true;
                    throw;
                }
                catch (IOException) when (attempt < Tries)
                {
                    // It died
                }
                catch (IOException e)
                {
                    throw CouldNot($"what decodes it died of it ({e.Message.TrimEnd('.')})");
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    throw CouldNot($"that takes longer than {_settings.Time.TotalSeconds} s");
                }
                finally
                {
                    if (isWhole)
                    {
                        _idle.Push(decoder);
                    }
                    else
                    {
                        await decoder.DisposeAsync();
                    }
                }
            }
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Ends the processes that wait; one that is decoding ends with this process.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_idle.TryPop(out DecoderProcess? decoder))
        {
            await decoder.DisposeAsync();
        }

        _free.Dispose();
    }

    private async Task<DecoderProcess> TakeAsync(bool isFresh, CancellationToken cancellationToken)
    {
        while (!isFresh && _idle.TryPop(out DecoderProcess? decoder))
        {
            if (decoder.IsAlive)
            {
                return decoder;
            }

            await decoder.DisposeAsync();
        }

        return await DecoderProcess.StartAsync(_settings, cancellationToken);
    }

    private static PictureException CouldNot(string why) =>
        new(PictureFault.Damaged, $"The picture could not be decoded: {why}. Save it anew, or smaller, with another program.");
}

/// <summary>The size that a decoded picture is to have.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Mode">How it is brought to another aspect ratio.</param>
public sealed record DecodedSize(int Width, int Height, FitMode Mode);

/// <summary>The limits of decoding one picture.</summary>
public sealed record DecoderSettings
{
    public PictureLimits Pictures { get; init; } = PictureLimits.Default;

    /// <summary>How long a picture may take.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The memory of a decoder's process, in bytes: the largest picture several times over, the largest file, and what a program
    /// needs to run at all.
    /// </summary>
    public long MemoryBytes { get; init; } = 3L << 29;
}

/// <summary>Decoders cannot be started on this machine. The message says what to do.</summary>
public sealed class DecoderException(string message, Exception? inner = null) : IOException(message, inner);
