using System.Globalization;
using System.Runtime.InteropServices;
using Generation.Imaging.Processes;

namespace Generation.Imaging.Isolation;

/// <summary>One decoder: the program Generation.Decoder, which lies beside this library, at the other end of two pipes.</summary>
internal sealed class DecoderProcess : IAsyncDisposable
{
    private const string Program = "Generation.Decoder.dll";

    /// <summary>How long a start may take on a machine under load.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    /// <summary>How much longer than the kernel we wait for a picture that takes too long.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    private readonly GuardedProcess _guarded;
    private readonly DecoderSettings _settings;

    private DecoderProcess(GuardedProcess guarded, DecoderSettings settings) => (_guarded, _settings) = (guarded, settings);

    public int Id => _guarded.Process.Id;

    public bool IsAlive => !_guarded.Process.HasExited;

    /// <summary>What its confinement lacks, and how to mend that; null where it lacks nothing.</summary>
    public string? Lacks { get; private set; }

    /// <exception cref="DecoderException">It cannot be started here.</exception>
    public static async Task<DecoderProcess> StartAsync(DecoderSettings settings, CancellationToken cancellationToken)
    {
        string program = Path.Combine(AppContext.BaseDirectory, Program);
        if (!File.Exists(program))
        {
            throw new DecoderException($"{program}, which decodes pictures, is not there; build or publish the program whole.");
        }

        DecoderProcess? decoder = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        try
        {
            GuardedProcess guarded = await GuardedProcess.StartAsync(
                DotnetHost(),
                [program, .. Arguments(settings)],
                new Dictionary<string, string>
                {
                    // Nothing that others could connect to
                    ["DOTNET_EnableDiagnostics"] = "0",
                    // It runs for long, and its first pictures are to be quick, too
                    ["DOTNET_TieredPGO"] = "0",
                    // Nothing is compiled again later, which would take a thread and memory that it may not have by then
                    ["DOTNET_TieredCompilation"] = "0",
                    ["DOTNET_EnableWriteXorExecute"] = "0",
                }
            );
            decoder = new DecoderProcess(guarded, settings);
            string lacks = await DecoderMessages.ReadTextAsync(guarded.Process.StandardOutput.BaseStream, limit.Token);
            decoder.Lacks = lacks.Length > 0 ? lacks : null;
            return decoder;
        }
        catch (Exception e)
        {
            string said = decoder is null ? e.Message : await decoder.EndAsync();
            if (decoder is not null)
            {
                await decoder.DisposeAsync();
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw new DecoderException(
                $"{Program}, which decodes pictures, does not start here: {(said.Length > 0 ? said : e.Message)}",
                e
            );
        }
    }

    /// <exception cref="PictureException">It refused the file.</exception>
    /// <exception cref="IOException">It died, or does not keep to the rules.</exception>
    /// <exception cref="OperationCanceledException">It takes too long, or nobody wants the picture any more.</exception>
    public async Task<Picture> DecodeAsync(ReadOnlyMemory<byte> file, DecodedSize? size, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_settings.Time + Margin);
        await DecoderMessages.WriteRequestAsync(_guarded.Process.StandardInput.BaseStream, file, size, limit.Token);
        return await DecoderMessages.ReadReplyAsync(_guarded.Process.StandardOutput.BaseStream, _settings.Pictures, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _guarded.EndAsync();
        _guarded.Dispose();
    }

    private async Task<string> EndAsync()
    {
        await _guarded.EndAsync();
        return await _guarded.WaitForEndAsync(CancellationToken.None);
    }

    private static string[] Arguments(DecoderSettings settings) =>
        [
            .. new long[]
            {
                settings.Pictures.MaxBytes,
                settings.Pictures.MaxSide,
                settings.Pictures.MaxPixels,
                settings.MemoryBytes,
                Math.Max(1, (long)Math.Ceiling(settings.Time.TotalSeconds)),
            }.Select(number => number.ToString(CultureInfo.InvariantCulture)),
        ];

    /// <summary>The dotnet that runs this program: its runtime lies in shared/NAME/VERSION beside it.</summary>
    private static string DotnetHost()
    {
        string beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        return File.Exists(beside) ? beside : "dotnet";
    }
}
