using System.Runtime.InteropServices;
using Generation.Decoder;
using Generation.Imaging.Codecs;
using Generation.Imaging.Isolation;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Tests;

/// <summary>Pictures of strangers are decoded in processes that hold no secrets and have limits.</summary>
public sealed partial class DecoderPoolTests
{
    private const int SigKill = 9;
    private const int SigStop = 19;

    [Test]
    public async Task Decode_OfEachKindOfFile_IsWhatThisProcessDecodes()
    {
        await using var pool = new DecoderPool(1);
        foreach (PictureFormat format in Enum.GetValues<PictureFormat>())
        {
            foreach (int channels in (int[])[1, 3, 4])
            {
                byte[] file = PictureCodec.Encode(Pictures.Make(70, 33, channels, smooth: true, seed: channels), format, 90, "words");
                await SameAsync(file, $"{format} of {channels}");
                await SameAsync(Tagged.WithProfile(file, IccBuilder.AdobeRgb), $"{format} of {channels} with a profile");
            }
        }

        foreach (int depth in (int[])[8, 16])
        {
            await SameAsync(PngBuilder.Random(31, 17, 6, depth, interlaced: true, seed: depth).Build(), $"interlaced, {depth} bits");
        }

        foreach (string sample in Directory.GetFiles(Path.Combine(TestContext.CurrentContext.TestDirectory, "Files")))
        {
            await SameAsync(await File.ReadAllBytesAsync(sample), sample);
        }

        async Task SameAsync(byte[] file, string what)
        {
            Picture? here = null;
            string? refusal = null;
            try
            {
                here = PictureCodec.Decode(file);
            }
            catch (PictureException e)
            {
                refusal = $"{e.Fault}: {e.Message}";
            }

            if (here is null)
            {
                PictureException? there = await Assert.ThrowsAsync<PictureException>(() => pool.DecodeAsync(file, default), what);
                Assert.That($"{there!.Fault}: {there.Message}", Is.EqualTo(refusal), what);
                return;
            }

            Picture decoded = await pool.DecodeAsync(file, default);
            Assert.That((decoded.Width, decoded.Height, decoded.Channels), Is.EqualTo((here.Width, here.Height, here.Channels)), what);
            Assert.That(decoded.Bytes.AsSpan().SequenceEqual(here.Bytes), what);
            foreach (FitMode mode in Enum.GetValues<FitMode>())
            {
                Picture fitted = await pool.DecodeAsync(file, new DecodedSize(40, 30, mode), default);
                Assert.That(fitted.Bytes.AsSpan().SequenceEqual(here.ToRgb().Fit(40, 30, mode).Bytes), $"{what}, {mode}");
            }
        }
    }

    [Test]
    public async Task Decoder_HoldsNoSecretAndHasNoRights()
    {
        const string secret = "Host=db;Password=4711-secret";
        Environment.SetEnvironmentVariable("ConnectionStrings__Postgres", secret);
        try
        {
            await using var pool = new DecoderPool(1);
            Assert.That(await pool.StartAsync(default), Is.Null, "nothing of the confinement is lacking");
            await pool.DecodeAsync(Small(), default);
            string process = $"/proc/{pool.Idle.Single()}";
            string[] environment = [.. (await File.ReadAllTextAsync($"{process}/environ")).Split('\0').Where(line => line.Length > 0)];
            Assert.That(
                environment.Select(line => line.Split('=')[0]),
                Is.SubsetOf(
                    new[]
                    {
                        "PATH",
                        "DOTNET_EnableDiagnostics",
                        "DOTNET_TieredPGO",
                        "DOTNET_TieredCompilation",
                        "DOTNET_EnableWriteXorExecute",
                    }
                )
            );
            Assert.That(string.Join('\0', environment) + await File.ReadAllTextAsync($"{process}/cmdline"), Does.Not.Contain("4711"));

            var status = File.ReadLines($"{process}/status")
                .Select(line => line.Split(':', 2))
                .ToDictionary(line => line[0], line => line[1].Trim());
            Assert.That(status["Uid"].Split('\t'), Is.All.Not.EqualTo("0"), "not root");
            Assert.That(status["Gid"].Split('\t'), Is.All.Not.EqualTo("0"));
            Assert.That(status["Groups"], Is.Empty.Or.Not.Contains("0"));
            Assert.That((status["NoNewPrivs"], status["Seccomp"]), Is.EqualTo(("1", "2")), "system calls are filtered");
            Assert.That(status["CapEff"] + status["CapPrm"], Does.Match("^0+$"));
            foreach (string task in Directory.GetDirectories($"{process}/task"))
            {
                Assert.That(File.ReadAllText($"{task}/status"), Does.Contain("Seccomp:\t2"), "every thread's");
            }

            Assert.That(
                Directory.GetFiles($"{process}/fd").Select(fd => new FileInfo(fd).LinkTarget),
                Has.None.StartsWith("socket:").And.None.Contains("postgres"),
                "no connection of this process is open in it"
            );
            string limits = await File.ReadAllTextAsync($"{process}/limits");
            Assert.That(limits, Does.Match(@"Max data size +1610612736 +1610612736").And.Match("Max core file size +0 +0"));
            Assert.That(limits, Does.Match("Max file size +0 +0").And.Match(@"Max address space +\d+ +\d+"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("ConnectionStrings__Postgres", null);
        }
    }

    [TestCase("open")]
    [TestCase("openat")]
    [TestCase("openat2")]
    [TestCase("creat")]
    [TestCase("socket")]
    [TestCase("connect")]
    [TestCase("execve")]
    [TestCase("execveat")]
    [TestCase("fork")]
    [TestCase("vfork")]
    [TestCase("kill")]
    [TestCase("ptrace")]
    [TestCase("process_vm_readv")]
    [TestCase("io_uring_setup")]
    [TestCase("pidfd_getfd")]
    [TestCase("clone")]
    [TestCase("prctl")]
    public void Confinement_AllowsNoCallThatReachesOutWhateverItsArguments(string call) =>
        Assert.That(Confinement.Allowed, Has.None.EqualTo(call).And.Some.EqualTo("read"));

    [Test]
    public async Task Decode_DecoderKilledWhileItWaits_TakesAnother()
    {
        await using var pool = new DecoderPool(1);
        await pool.StartAsync(default);
        int first = pool.Idle.Single();
        Assert.That(Signal(first, SigKill), Is.Zero);
        Assert.That((await pool.DecodeAsync(Small(), default)).Width, Is.EqualTo(20));
        Assert.That(pool.Idle.Single(), Is.Not.EqualTo(first));
    }

    [Test]
    public async Task Decode_DecoderKilledWhileItDecodes_IsTriedOnceMore()
    {
        await using var pool = new DecoderPool(1);
        await pool.StartAsync(default);
        int first = pool.Idle.Single();
        // It stands still, so that it dies with the picture in its hands
        Assert.That(Signal(first, SigStop), Is.Zero);
        Task<Picture> decoding = pool.DecodeAsync(Small(), default);
        Assert.That(() => pool.Idle, Is.Empty.After(60_000, 10));
        Assert.That(Signal(first, SigKill), Is.Zero);
        Assert.That((await decoding).Width, Is.EqualTo(20));
    }

    [Test]
    public async Task Decode_ThatTakesTooLong_IsRefusedAndTheNextPictureIsDecoded()
    {
        await using var pool = new DecoderPool(1, new DecoderSettings { Time = TimeSpan.FromSeconds(1) });
        await pool.StartAsync(default);
        int first = pool.Idle.Single();
        Assert.That(Signal(first, SigStop), Is.Zero);
        Assert.That(
            async () => await pool.DecodeAsync(Small(), default),
            Throws.TypeOf<PictureException>().With.Message.Contains("could not be decoded").And.Message.Contains("1 s")
        );
        Assert.That(IsRunning(first), Is.False);
        Assert.That(await DecodesAsync(pool));

        static async Task<bool> DecodesAsync(DecoderPool pool)
        {
            // A fresh process under load may itself take longer than this pool's second
            for (int attempt = 0; attempt < 20; attempt++)
            {
                try
                {
                    return (await pool.DecodeAsync(Small(), default)).Width == 20;
                }
                catch (PictureException e) when (e.Message.Contains("1 s", StringComparison.Ordinal))
                {
                    // Once more
                }
            }

            return false;
        }
    }

    [Test]
    public async Task Decode_ThatTakesTooMuchMemory_IsRefusedAndTheNextPictureIsDecoded()
    {
        await using var pool = new DecoderPool(1, new DecoderSettings { MemoryBytes = 200 << 20 });
        byte[] large = PictureCodec.Encode(new Picture(8000, 5000, 3), PictureFormat.Png);
        Assert.That(
            async () => await pool.DecodeAsync(large, default),
            Throws.TypeOf<PictureException>().With.Message.Contains("memory").Or.Message.Contains("could not be decoded")
        );
        Assert.That((await pool.DecodeAsync(Small(), default)).Width, Is.EqualTo(20));
    }

    [Test]
    public async Task Decode_OfTheLargestPictures_FitsIntoTheMemoryAndGivesItBack()
    {
        await using var pool = new DecoderPool(1);
        foreach (PictureFormat format in Enum.GetValues<PictureFormat>())
        {
            byte[] file = PictureCodec.Encode(new Picture(8000, 5000, format == PictureFormat.Jpeg ? 3 : 4), format, parameters: "words");
            Picture picture = await pool.DecodeAsync(file, default);
            Assert.That((picture.Width, picture.Height), Is.EqualTo((8000, 5000)), $"{format}");
        }

        byte[] deep = new PngBuilder
        {
            Width = 8000,
            Height = 5000,
            ColourType = 6,
            BitDepth = 16,
            Interlaced = true,
            Samples = new ushort[8000 * 5000 * 4],
        }.Build();
        Assert.That((await pool.DecodeAsync(deep, default)).Channels, Is.EqualTo(4));
        Assert.That(() => MemoryOf(pool.Idle.Single()), Is.LessThan(250L << 20).After(60_000, 50), "bytes, when it waits again");
    }

    [Test]
    public async Task Decode_OfManyAtATime_StartsNoMoreThanThePoolHas()
    {
        await using var pool = new DecoderPool(2);
        byte[] file = PictureCodec.Encode(Pictures.Make(300, 200, 3, smooth: true, seed: 1), PictureFormat.Png);
        Task<Picture>[] all = [.. Enumerable.Range(0, 40).Select(_ => pool.DecodeAsync(file, default))];
        int most = 0;
        while (!Task.WhenAll(all).IsCompleted)
        {
            most = Math.Max(most, Children());
            await Task.Delay(5);
        }

        await Task.WhenAll(all);
        Assert.That(most, Is.InRange(1, 2));
        Assert.That(pool.Idle, Has.Count.InRange(1, 2));
    }

    [Test]
    public async Task Dispose_EndsItsProcesses()
    {
        int id;
        await using (var pool = new DecoderPool(1))
        {
            await pool.StartAsync(default);
            id = pool.Idle.Single();
            Assert.That(IsRunning(id));
        }

        Assert.That(IsRunning(id), Is.False);
    }

    [Test]
    public async Task Decode_Cancelled_EndsTheProcessAndFreesItsPlace()
    {
        await using var pool = new DecoderPool(1);
        await pool.StartAsync(default);
        int first = pool.Idle.Single();
        Assert.That(Signal(first, SigStop), Is.Zero);
        using var source = new CancellationTokenSource();
        Task<Picture> decoding = pool.DecodeAsync(Small(), source.Token);
        Assert.That(() => pool.Idle, Is.Empty.After(60_000, 10));
        await source.CancelAsync();
        Assert.That(async () => await decoding, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(IsRunning(first), Is.False);
        Assert.That((await pool.DecodeAsync(Small(), default)).Width, Is.EqualTo(20));
    }

    [TestCase("a picture wider than the limit", new byte[] { 1, 1, 0x40, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0 })]
    [TestCase("a picture of no width", new byte[] { 1, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0 })]
    [TestCase("a picture of less than nothing", new byte[] { 1, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 3, 0, 0, 0 })]
    [TestCase("more pixels than the limit", new byte[] { 1, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 3, 0, 0, 0 })]
    [TestCase("two channels", new byte[] { 1, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0 })]
    [TestCase("fewer pixels than it says", new byte[] { 1, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 2 })]
    [TestCase("no kind of reply", new byte[] { 3 })]
    [TestCase("no fault that there is", new byte[] { 2, 9, 0, 0, 0, 0 })]
    [TestCase("a text longer than texts are", new byte[] { 2, 1, 0xFF, 0xFF, 0, 0 })]
    [TestCase("a text shorter than it says", new byte[] { 2, 1, 5, 0, 0, 0, 65 })]
    [TestCase("nothing", new byte[0])]
    public void Reply_OfADecoderThatIsNoLongerOurs_IsNotTrusted(string what, byte[] reply) =>
        Assert.That(
            async () => await DecoderMessages.ReadReplyAsync(new MemoryStream(reply), PictureLimits.Default, default),
            Throws.InstanceOf<IOException>(),
            what
        );

    private static byte[] Small() => PictureCodec.Encode(Pictures.Make(20, 10, 3, smooth: true, seed: 1), PictureFormat.Png);

    private static bool IsRunning(int process) =>
        File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);

    private static long MemoryOf(int process) =>
        1024
        * long.Parse(
            File.ReadLines($"/proc/{process}/status")
                .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
                .Split(':')[1]
                .Replace("kB", "", StringComparison.Ordinal)
                .Trim()
        );

    /// <summary>How many decoders are children of this process.</summary>
    private static int Children()
    {
        int count = 0;
        foreach (string process in Directory.GetDirectories("/proc").Where(name => int.TryParse(Path.GetFileName(name), out _)))
        {
            try
            {
                string[] stat = File.ReadAllText($"{process}/stat").Split(") ")[^1].Split(' ');
                bool isOurs = stat[0] != "Z" && stat[1] == $"{Environment.ProcessId}";
                count += isOurs && File.ReadAllText($"{process}/cmdline").Contains("Generation.Decoder", StringComparison.Ordinal) ? 1 : 0;
            }
            catch (IOException)
            {
                // It has ended meanwhile
            }
        }

        return count;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);
}
