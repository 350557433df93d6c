using System.Diagnostics;
using Generation.Hosting;
using Generation.Imaging;
using Generation.Imaging.Png;

namespace Generation.EndToEnd.Tests;

/// <summary>The command `demo`.</summary>
public sealed partial class CommandTests
{
    [Test, CancelAfter(300_000)]
    public async Task Demo_Prompt_SavesThePictureAndTellsAll(CancellationToken token)
    {
        Ended demo = await RunAsync(["demo", "a red apple on a blue background", "--seed", "0", "--steps", "10"], token: token);

        Assert.That(demo.Code, Is.Zero, demo.Text);
        string path = Path.Combine(_folder, "pictures", "a-red-apple-on-a-blue-background-0.png");
        Picture picture = PngCodec.Decode(await File.ReadAllBytesAsync(path, token));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((256, 256)));
        Assert.That(demo.Text, Does.Contain(path).And.Contain("seed     0").And.Contain("64x64").And.Contain("running"));
        Assert.That(demo.Text, Does.Not.Contain(await File.ReadAllTextAsync(Path.Combine(_data.Root, "key"), token)));

        // The line that it prints does the same
        string line = demo.Text.Split('\n').Single(text => text.Contains("curl", StringComparison.Ordinal)).Trim();
        using Process bash = Start("bash", ["-ec", $"eval \"$('{DotnetHost.Path}' '{Program}' env)\"; {line}"]);
        await bash.WaitForExitAsync(token);
        Assert.That(bash.ExitCode, Is.Zero, await bash.StandardError.ReadToEndAsync(token));
        Assert.That(
            await File.ReadAllBytesAsync(Path.Combine(_folder, "picture.png"), token),
            Is.EqualTo(await File.ReadAllBytesAsync(path, token))
        );
    }

    [TestCase("img2img", "", "png", 256)]
    [TestCase("inpaint", "", "png", 256)]
    [TestCase("super-resolution", "--scale 2", "png", 128)]
    [TestCase("video", "--frames 4 --width 64 --height 64", "mp4", 64)]
    [CancelAfter(240_000)]
    public async Task Demo_AnyKind_SavesItsFile(string kind, string options, string extension, int side, CancellationToken token)
    {
        string output = $"{kind}.{extension}";
        string[] asked =
        [
            "demo",
            "--kind",
            kind,
            "--seed",
            "1",
            "--out",
            output,
            .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        ];
        Ended demo = await RunAsync(kind == "super-resolution" ? asked : [.. asked, "--steps", "4"], token: token);

        Assert.That(demo.Code, Is.Zero, demo.Text);
        byte[] file = await File.ReadAllBytesAsync(Path.Combine(_folder, output), token);
        Assert.That(demo.Text, Does.Contain($"{side}x{side}").And.Contain($"/v1/{kind}"));
        if (extension == "png")
        {
            Picture picture = PngCodec.Decode(file);
            Assert.That((picture.Width, picture.Height), Is.EqualTo((side, side)));
        }
        else
        {
            Assert.That(file.AsSpan(4, 4).SequenceEqual("ftyp"u8), "it is an MP4 file");
            Assert.That(demo.Text, Does.Contain("4 frames"));
        }
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_PictureThatIsNotThere_SaysSo(CancellationToken token)
    {
        Ended demo = await RunAsync(["demo", "--kind", "img2img", "--image", "nowhere.png"], token: token);

        Assert.That(demo.Code, Is.EqualTo(1));
        Assert.That(demo.Text, Does.Contain("FAILED: bring in the picture").And.Contain("nowhere.png").And.Contain("what to do"));
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_OnARunningStack_StartsNothing(CancellationToken token)
    {
        string[] command = ["demo", "a cat", "--out", "cat.png"];
        await RunAsync(command, token: token);
        string before = Pids(await StatusAsync(token));
        Ended demo = await RunAsync(command, token: token);

        Assert.That(demo.Code, Is.Zero, demo.Text);
        Assert.That(Pids(await StatusAsync(token)), Is.EqualTo(before), "nothing had to be started");
        Assert.That(Directory.GetFiles(_folder, "cat*.png"), Has.Length.EqualTo(2), "the second does not overwrite the first");
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_BadSize_SaysStepReasonAndWhatToDo(CancellationToken token)
    {
        Ended demo = await RunAsync(["demo", "a cat", "--width", "3"], token: token);

        Assert.That(demo.Code, Is.EqualTo(1));
        Assert.That(demo.Text, Does.Contain("FAILED: submit the job").And.Contain("width").And.Contain("what to do"));
    }
}
