using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Vision;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Vision;

/// <summary>The safety checker with the weights of its reference case, and thresholds that force its verdict.</summary>
public sealed class SafetyClassifierTests
{
    private static readonly string Golden = GoldenCase.InRepository("tests/Goldens/modules/safety_checker");

    [TestCase(-1, true)]
    [TestCase(1, false)]
    public void Check_ThresholdsThatForceIt_SaysSoForEachPicture(double threshold, bool expected)
    {
        using var folder = new ForcedChecker(threshold);
        using var classifier = SafetyClassifier.FromPretrained(folder.Path);
        Picture[] pictures = [new Picture(40, 30, 3), Noise(64, 64), Noise(31, 90)];
        long before = TensorCount.Settled();
        Assert.That(classifier.Check(pictures), Is.EqualTo(new[] { expected, expected, expected }));
        Assert.That(classifier.Check([]), Is.Empty);
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Check_OneByOneAndTogether_GivesTheSameVerdicts()
    {
        using var classifier = SafetyClassifier.FromPretrained(Golden);
        Picture[] pictures = [.. Enumerable.Range(0, 6).Select(k => Noise(40 + k, 40))];
        Assert.That(pictures.Select(picture => classifier.Check([picture])[0]), Is.EqualTo(classifier.Check(pictures)));
    }

    [Test]
    public void FromPretrained_OtherWeights_NamesTheFolder() =>
        Assert.That(
            () => SafetyClassifier.FromPretrained(GoldenCase.InRepository("tests/Goldens/modules/clipseg")),
            Throws.TypeOf<WeightsException>().With.Message.Contains("clipseg")
        );

    private static Picture Noise(int width, int height)
    {
        var picture = new Picture(width, height, 3);
        new Random(width).NextBytes(picture.Bytes);
        return picture;
    }

    /// <summary>A copy of the reference case's checker with other thresholds: cosines lie between them.</summary>
    private sealed class ForcedChecker : IDisposable
    {
        public ForcedChecker(double threshold)
        {
            Path = Directory.CreateTempSubdirectory("checker-").FullName;
            File.Copy(System.IO.Path.Combine(Golden, "config.json"), System.IO.Path.Combine(Path, "config.json"));
            using DisposeScope scope = NewDisposeScope();
            using var file = SafetensorsFile.Open(System.IO.Path.Combine(Golden, "model.safetensors"));
            SafetensorsWriter.Write(
                System.IO.Path.Combine(Path, "model.safetensors"),
                file.Names.Select(name =>
                    KeyValuePair.Create(
                        name,
                        name.EndsWith("_weights", StringComparison.Ordinal) ? full_like(file.Read(name), threshold) : file.Read(name)
                    )
                )
            );
        }

        public string Path { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
