using System.Diagnostics;
using System.Globalization;
using System.Text;
using Generation.Imaging.Processes;

namespace Generation.Imaging.Video;

/// <summary>The limits of one run of ffmpeg.</summary>
public sealed record VideoLimits
{
    public static VideoLimits Default { get; } = new();

    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The largest file, in bytes.</summary>
    public long FileBytes { get; init; } = 1L << 30;

    /// <summary>The address space of the process, in bytes.</summary>
    public long MemoryBytes { get; init; } = 4L << 30;

    /// <summary>The number of threads, which is fixed, so that the bytes of a clip do not depend on the machine.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>
    /// The processor time follows from time and threads, so that a process that nobody waits for any more is limited, too.
    /// </summary>
    internal ProcessLimits OfProcess() =>
        new()
        {
            ProcessorSeconds = (long)Math.Ceiling(Time.TotalSeconds * (Threads + 1)),
            FileBytes = FileBytes,
            AddressSpaceBytes = MemoryBytes,
        };
}

/// <summary>
/// Encodes video files through ffmpeg, which runs in a process of its own with limits, without this process's environment, and as nobody
/// where this process is root's: it gets raw frames on its standard input, writes one file, opens no other file and no address, and is
/// killed when it takes too long, when nobody wants the clip any more, or when this process ends in whatever way.
/// </summary>
public static class VideoEncoder
{
    private const string Program = "ffmpeg";
    private static readonly (string Program, string Package)[] s_programs =
    [
        (Program, Program),
        .. GuardedProcess.Programs.Select(program => (program, GuardedProcess.Package)),
    ];

    private const string FolderPrefix = "generation-video-";

    /// <summary>
    /// The program for clips that is missing on this machine, and how to install it; null where all are there. It is looked for at each
    /// call, so that one that was installed meanwhile is found.
    /// </summary>
    public static string? Missing => MissingOn(Environment.GetEnvironmentVariable("PATH") ?? "");

    /// <summary>The same as <see cref="Missing"/> for a search path of folders separated by colons.</summary>
    internal static string? MissingOn(string path)
    {
        string[] folders = path.Split(':', StringSplitOptions.RemoveEmptyEntries);
        return
            Array.Find(s_programs, wanted => !Array.Exists(folders, folder => File.Exists(Path.Combine(folder, wanted.Program))))
                is ({ } program, var package)
            ? $"{program} is missing; apt install {package}"
            : null;
    }

    /// <summary>Encodes a clip. Equal arguments give equal bytes with one version of ffmpeg.</summary>
    /// <param name="frames">The frames, at least one, all of one size; they are read one by one while ffmpeg works.</param>
    /// <param name="framesPerSecond">The frame rate, from 0.1 to 240.</param>
    /// <param name="quality">The quality, from 1 to 100.</param>
    /// <param name="comment">How the clip was made, which is kept in the file where the format allows it; or null.</param>
    /// <exception cref="VideoException">ffmpeg is missing, failed, or took longer or wrote more than the limits allow.</exception>
    /// <exception cref="ArgumentException">There is no frame, a frame has another size, or a number is out of range.</exception>
    public static async Task<byte[]> EncodeAsync(
        IEnumerable<Picture> frames,
        double framesPerSecond,
        VideoFormat format,
        int quality = 80,
        string? comment = null,
        VideoLimits? limits = null,
        CancellationToken cancellationToken = default
    )
    {
        if (!(framesPerSecond is >= 0.1 and <= 240))
        {
            throw new ArgumentOutOfRangeException(nameof(framesPerSecond), framesPerSecond, "Frames per second are from 0.1 to 240.");
        }

        if (quality is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(nameof(quality), quality, "A quality is from 1 to 100.");
        }

        using IEnumerator<Picture> rest = frames.GetEnumerator();
        if (!rest.MoveNext())
        {
            throw new ArgumentException("A clip has at least one frame.", nameof(frames));
        }

        limits ??= VideoLimits.Default;
        if (format == VideoFormat.Zip)
        {
            return FrameArchive.Write(From(rest), framesPerSecond, comment, cancellationToken);
        }

        SweepOld(limits.Time * 2);
        string folder = Directory.CreateTempSubdirectory(FolderPrefix).FullName;
        try
        {
            string file = Path.Combine(folder, "clip." + format.Extension());
            string tags = Path.Combine(folder, "tags.txt");
            await File.WriteAllTextAsync(tags, Tags(comment), cancellationToken);
            // Where root keeps its temporary files from others, it makes clips as root
            UnprivilegedUser? user = UnprivilegedUser.MayPass(Path.GetDirectoryName(folder)!) ? UnprivilegedUser.ForChild : null;
            user?.Own(folder);
            user?.Own(tags);
            await RunAsync(rest, framesPerSecond, format, quality, tags, file, user, limits, cancellationToken);
            return new FileInfo(file).Length < limits.FileBytes
                ? await File.ReadAllBytesAsync(file, cancellationToken)
                : throw new VideoException($"The clip is larger than {limits.FileBytes} bytes.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAsync(
        IEnumerator<Picture> frames,
        double framesPerSecond,
        VideoFormat format,
        int quality,
        string tags,
        string file,
        UnprivilegedUser? user,
        VideoLimits limits,
        CancellationToken cancellationToken
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(limits.Time);
        using GuardedProcess guarded = await StartAsync(
            Arguments(frames.Current, framesPerSecond, format, quality, tags, file, limits),
            user,
            limits.OfProcess()
        );
        Process process = guarded.Process;
        try
        {
            string? broken = await WriteFramesAsync(process, frames, limit.Token);
            string said = await guarded.WaitForEndAsync(limit.Token);
            if (guarded.WasNotFound)
            {
                throw new VideoException(guarded.NotFoundMessage);
            }

            if (process.ExitCode != 0 || broken is not null)
            {
                throw new VideoException($"ffmpeg ended with {process.ExitCode}: {(said.Length > 0 ? said : broken)}");
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new VideoException($"ffmpeg took longer than {limits.Time.TotalSeconds} s.", e);
        }
        finally
        {
            await guarded.EndAsync();
        }
    }

    private static async Task<GuardedProcess> StartAsync(List<string> arguments, UnprivilegedUser? user, ProcessLimits limits)
    {
        try
        {
            return await GuardedProcess.StartAsync(Program, arguments, user: user, limits: limits);
        }
        catch (ProcessStartException e)
        {
            throw new VideoException(e.Message, e);
        }
    }

    private static IEnumerable<Picture> From(IEnumerator<Picture> rest)
    {
        do
        {
            yield return rest.Current;
        } while (rest.MoveNext());
    }

    /// <summary>Deletes files of processes that ended within a clip.</summary>
    private static void SweepOld(TimeSpan age)
    {
        foreach (string folder in Directory.GetDirectories(Path.GetTempPath(), FolderPrefix + "*"))
        {
            try
            {
                if (Directory.GetLastWriteTimeUtc(folder) < DateTime.UtcNow - age)
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another's, or another sweeps too
            }
        }
    }

    /// <summary>
    /// The container's tags in ffmpeg's own format, which is passed as a file, because an argument would show the prompt to every user of
    /// the machine.
    /// </summary>
    private static string Tags(string? comment)
    {
        var text = new StringBuilder(";FFMETADATA1\n");
        if (comment is not null)
        {
            text.Append("comment=");
            foreach (char c in comment.Where(c => c is not '\0'))
            {
                text.Append(c is '=' or ';' or '#' or '\\' or '\n' ? "\\" : "").Append(c);
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Writes all frames to ffmpeg. Null when all were written, else why not, which ffmpeg's own message then explains.</summary>
    private static async Task<string?> WriteFramesAsync(Process process, IEnumerator<Picture> frames, CancellationToken cancellationToken)
    {
        Picture first = frames.Current;
        try
        {
            await using Stream input = process.StandardInput.BaseStream;
            do
            {
                Picture frame = frames.Current;
                if ((frame.Width, frame.Height) != (first.Width, first.Height))
                {
                    throw new ArgumentException(
                        $"All frames of a clip have one size; after {first.Width} x {first.Height} came {frame.Width} x {frame.Height}.",
                        nameof(frames)
                    );
                }

                await input.WriteAsync(frame.ToRgb().Bytes, cancellationToken);
            } while (frames.MoveNext());
            return null;
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private static List<string> Arguments(
        Picture first,
        double framesPerSecond,
        VideoFormat format,
        int quality,
        string tags,
        string file,
        VideoLimits limits
    )
    {
        string rate = framesPerSecond.ToString("0.###", CultureInfo.InvariantCulture);
        string threads = limits.Threads.ToString(CultureInfo.InvariantCulture);
        List<string> arguments =
        [
            "-hide_banner",
            "-loglevel",
            "error",
            "-nostats",
            "-y",
            "-protocol_whitelist",
            "pipe",
            "-f",
            "rawvideo",
            "-pixel_format",
            "rgb24",
            "-video_size",
            $"{first.Width}x{first.Height}",
            "-framerate",
            rate,
            "-i",
            "pipe:0",
            "-protocol_whitelist",
            "file",
            "-f",
            "ffmetadata",
            "-i",
            "file:" + tags,
            "-map",
            "0:v",
            "-an",
            "-threads",
            threads,
            "-filter_threads",
            threads,
            // Nothing of the encoder's version or the time in the file
            "-fflags",
            "+bitexact",
            "-flags:v",
            "+bitexact",
            "-map_metadata",
            "1",
        ];

        (int width, int height) = format.SizeOf(first.Width, first.Height);
        string halfColours = $"scale={width}:{height}:flags=lanczos:out_color_matrix=bt709,format=yuv420p";
        string[] colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];
        arguments.AddRange(
            format switch
            {
                // Constant rate factors: from 1 (best quality) up to about 50
                VideoFormat.Mp4 =>
                [
                    "-vf",
                    halfColours,
                    "-c:v",
                    "libx264",
                    "-preset",
                    "medium",
                    "-crf",
                    Scale(quality, worst: 45, best: 10),
                    .. colours,
                    "-movflags",
                    "+faststart",
                    "-f",
                    "mp4",
                ],
                VideoFormat.WebM =>
                [
                    "-vf",
                    halfColours,
                    "-c:v",
                    "libvpx-vp9",
                    "-b:v",
                    "0",
                    "-crf",
                    Scale(quality, worst: 60, best: 12),
                    "-row-mt",
                    "0",
                    "-deadline",
                    "good",
                    "-cpu-used",
                    "3",
                    .. colours,
                    "-f",
                    "webm",
                ],
                // One palette for the whole clip, from the clip itself
                VideoFormat.Gif =>
                [
                    "-vf",
                    "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=sierra2_4a",
                    "-loop",
                    "0",
                    "-f",
                    "gif",
                ],
                _ => ["-c:v", "libwebp_anim", "-quality", quality.ToString(CultureInfo.InvariantCulture), "-loop", "0", "-f", "webp"],
            }
        );
        arguments.Add("file:" + file);
        return arguments;
    }

    private static string Scale(int quality, int worst, int best) =>
        Math.Round(worst + ((best - worst) * (quality - 1) / 99.0)).ToString(CultureInfo.InvariantCulture);
}
