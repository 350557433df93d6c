using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Png;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>Where pictures of strangers are decoded: not in the API, and not where secrets are.</summary>
[TestFixture]
public sealed partial class DecoderTests
{
    private const int SigKill = 9;

    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [Test, CancelAfter(240_000)]
    public async Task Picture_OfAStranger_IsDecodedByAProcessWithoutSecrets(CancellationToken token)
    {
        JobDocument job = await EnlargeAsync(PngCodec.Encode(new Picture(24, 16, 3)), token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);

        int api = _stack.Stack.ProcessOf("api").Pid!.Value;
        Assert.That(
            await File.ReadAllTextAsync($"/proc/{api}/maps", token),
            Does.Not.Contain("libSkiaSharp"),
            "the API has no codec loaded"
        );
        foreach (int decoder in Decoders())
        {
            string environment = await File.ReadAllTextAsync($"/proc/{decoder}/environ", token);
            Assert.That(environment, Does.Not.Contain("ConnectionStrings").And.Not.Contain("assword").And.Not.Contain("Results"));
            Assert.That(
                await File.ReadAllTextAsync($"/proc/{decoder}/status", token),
                Does.Contain("Seccomp:\t2").And.Contain("NoNewPrivs:\t1")
            );
        }
    }

    [Test, CancelAfter(240_000)]
    public async Task Picture_ThatCannotBeDecoded_FailsItsJobWithTheField(CancellationToken token)
    {
        byte[] file = PictureCodec.Encode(Noise(), PictureFormat.WebP);
        // A first partition (RFC 6386, section 9.1) longer than the file: what a look at the file's parts does not find
        int data = file.AsSpan().IndexOf("VP8 "u8) + 8;
        file[data] |= 0xE0;
        file.AsSpan(data + 1, 2).Fill(0xFF);

        JobDocument job = await EnlargeAsync(file, token);

        Assert.That((job.State, job.Error?.Code, job.Error?.Field), Is.EqualTo((JobState.Failed, "invalid_image", "image")));
        Assert.That(job.Error!.Detail, Does.Contain("damaged"));
        Assert.That(await _stack.LedgerAsync(job.Id, token), Is.EqualTo(["hold", "release"]));
    }

    [Test, CancelAfter(240_000)]
    public async Task Decoder_Killed_TakesNothingDownAndIsReplaced(CancellationToken token)
    {
        int worker = _stack.Stack.ProcessOf("worker-1").Pid!.Value;
        int[] before = [.. Decoders()];
        Assert.That(before, Is.Not.Empty, "one waits since the worker's start");
        foreach (int decoder in before)
        {
            Assert.That(Signal(decoder, SigKill), Is.Zero);
        }

        JobDocument job = await EnlargeAsync(PngCodec.Encode(new Picture(24, 16, 3)), token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        Assert.That(_stack.Stack.ProcessOf("worker-1").Pid, Is.EqualTo(worker));
        Assert.That(Decoders().Intersect(before), Is.Empty);
    }

    private async Task<JobDocument> EnlargeAsync(byte[] file, CancellationToken token)
    {
        var request = new JsonObject { ["image"] = $"data:;base64,{Convert.ToBase64String(file)}", ["scale"] = 2 };
        JobDocument job = await _stack.Api.SubmitAsync("super-resolution", request, token);
        return await _stack.EndAsync(job.Id, token);
    }

    private static Picture Noise()
    {
        var picture = new Picture(64, 64, 3);
        new Random(1).NextBytes(picture.Bytes);
        return picture;
    }

    /// <summary>The processes of the workers that decode pictures.</summary>
    private IEnumerable<int> Decoders()
    {
        int worker = _stack.Stack.ProcessOf("worker-1").Pid!.Value;
        foreach (string task in Directory.GetDirectories($"/proc/{worker}/task"))
        {
            string[] children = File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            foreach (int child in children.Select(int.Parse))
            {
                if (File.ReadAllText($"/proc/{child}/cmdline").Contains("Generation.Decoder", StringComparison.Ordinal))
                {
                    yield return child;
                }
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);
}
