using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Tests.Networks;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Resizing;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Upscalers;

/// <summary>Pictures made larger: in tiles as at once, with their alpha, by any factor.</summary>
public sealed class UpscalerTests
{
    private static readonly string Demo = GoldenCase.InRepository("models/demo-upscaler");

    // Networks of random weights, unlike trained ones, look as far as they can: a short one, so that its reach is its margin
    private static IEnumerable<TestCaseData> Networks()
    {
        yield return new TestCaseData((Func<IUpscalerNetwork>)DemoNetwork).SetArgDisplayNames("demo x4");
        yield return new TestCaseData(
            (Func<IUpscalerNetwork>)(
                () =>
                    Random(
                        new RRDBNetConfig
                        {
                            Scale = 2,
                            NumFeat = 8,
                            NumBlock = 1,
                            NumGrowCh = 4,
                        }
                    )
            )
        ).SetArgDisplayNames("x2, folded");
        yield return new TestCaseData(
            (Func<IUpscalerNetwork>)(
                () =>
                    RandomWeights.Build(w => new SRVGGNetCompact(
                        new SRVGGConfig
                        {
                            Scale = 4,
                            NumFeat = 8,
                            NumConv = 4,
                        },
                        w
                    ))
            )
        ).SetArgDisplayNames("compact x4");
    }

    [TestCaseSource(nameof(Networks))]
    public void Upscale_InTiles_IsAsAtOnce(Func<IUpscalerNetwork> network)
    {
        Picture picture = Scene(170, 150);
        using var whole = new Upscaler(network());
        using IUpscalerNetwork again = network();
        using var tiled = new Upscaler(again) { MaxValues = again.ValuesPerPixel * 120 * 120 };
        Assert.That(whole.Tiles(picture.Width, picture.Height), Has.Count.EqualTo(1));
        Assert.That(tiled.Tiles(picture.Width, picture.Height), Has.Count.GreaterThanOrEqualTo(4));

        int[] differences = Differences(whole.Upscale(picture), tiled.Upscale(picture));
        TestContext.Out.WriteLine(
            $"TILES: largest {differences.Max()}, unequal {differences.Count(d => d > 0) / (double)differences.Length:P3}"
        );
        Assert.That(differences.Max(), Is.LessThanOrEqualTo(1), "a value may be rounded the other way");
        Assert.That(differences.Count(d => d > 0), Is.LessThan(differences.Length / 100));
    }

    [Test]
    public void Upscale_OfTensorInTiles_IsThatOfThePicture()
    {
        Picture picture = Scene(96, 80);
        using var tiled = new Upscaler(
            Random(
                new RRDBNetConfig
                {
                    NumFeat = 8,
                    NumBlock = 1,
                    NumGrowCh = 4,
                }
            )
        )
        {
            MaxValues = 8L * 16 * 64 * 64,
        };
        Assert.That(tiled.Tiles(96, 80), Has.Count.GreaterThan(1));
        using DisposeScope scope = NewDisposeScope();
        Tensor images = PictureTensors.FromPicture(picture).permute(0, 2, 3, 1);
        Picture two = PictureTensors.ToPictures(tiled.Upscale(cat([images, images.flip(2)], 0)))[0];
        Assert.That(two.Bytes, Is.EqualTo(tiled.Upscale(picture).Bytes));
    }

    [Test]
    public void Upscale_OfPictureWithAlpha_KeepsIt()
    {
        var picture = new Picture(24, 20, 4);
        for (int y = 0; y < 20; y++)
        {
            for (int x = 0; x < 24; x++)
            {
                byte[] pixel = [200, 40, 40, (byte)(x < 12 ? 0 : 255)];
                pixel.CopyTo(picture.Pixel(x, y));
            }
        }

        using var upscaler = Upscaler.FromPretrained(Demo);
        Picture larger = upscaler.Upscale(picture);
        Assert.That((larger.Width, larger.Height, larger.Channels), Is.EqualTo((96, 80, 4)));
        Assert.That(larger.Pixel(16, 40)[3], Is.Zero, "left is seen through");
        Assert.That(larger.Pixel(80, 40)[3], Is.EqualTo(255), "right is not");

        Array.Fill(picture.Bytes, (byte)255);
        Assert.That(upscaler.Upscale(picture).Bytes.Where((_, i) => i % 4 == 3), Is.All.EqualTo(255), "full alpha stays full");
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(8)]
    public void UpscaleBy_AnyFactor_GivesThatSize(int factor)
    {
        using var set = UpscalerSet.FromPretrained(Demo);
        Picture larger = set.UpscaleBy(Scene(20, 12), factor);
        Assert.That((larger.Width, larger.Height), Is.EqualTo((20 * factor, 12 * factor)));
    }

    [Test]
    public void UpscaleBy_FourOfAShrunkPicture_IsNearerThanLanczos()
    {
        Picture original = Apple();
        Picture small = original.Resize(original.Width / 4, original.Height / 4, ResamplingFilter.Box);
        using var upscaler = Upscaler.FromPretrained(Demo);
        double network = Psnr(original, upscaler.Upscale(small));
        double lanczos = Psnr(original, small.Resize(original.Width, original.Height));
        TestContext.Out.WriteLine($"PSNR: network {network:F2} dB, Lanczos {lanczos:F2} dB");
        Assert.That(network, Is.GreaterThan(lanczos));
    }

    [TestCase("rrdbnet_x2", 2)]
    [TestCase("rrdbnet_x4", 4)]
    [TestCase("rrdbnet_x4_old_keys", 4)]
    [TestCase("srvgg_x2", 2)]
    [TestCase("srvgg_x4", 4)]
    public void FromPretrained_PublishedFile_IsKnownByItsWeights(string golden, int scale)
    {
        using var upscaler = Upscaler.FromPretrained(GoldenCase.InRepository($"tests/Goldens/modules/{golden}/model.safetensors"));
        Assert.That(upscaler.Scale, Is.EqualTo(scale));
        Assert.That(upscaler.Upscale(Scene(10, 9)).Width, Is.EqualTo(10 * scale));
    }

    [Test]
    public void FromPretrained_FolderOfTwoScales_ServesEachFactorByItsOwn()
    {
        string folder = Directory.CreateTempSubdirectory("upscalers-").FullName;
        try
        {
            File.Copy(
                GoldenCase.InRepository("tests/Goldens/modules/rrdbnet_x2/model.safetensors"),
                Path.Combine(folder, "x2.safetensors")
            );
            File.Copy(GoldenCase.InRepository("tests/Goldens/modules/srvgg_x4/model.safetensors"), Path.Combine(folder, "x4.safetensors"));
            using var set = UpscalerSet.FromPretrained(folder);
            Assert.That(set.Scales, Is.EqualTo(new[] { 2, 4 }));
            Assert.That(new[] { 1, 2, 3, 4, 8 }.Select(factor => set.For(factor).Scale), Is.EqualTo(new[] { 2, 2, 4, 4, 4 }));

            File.Copy(Path.Combine(folder, "x4.safetensors"), Path.Combine(folder, "x4-again.safetensors"));
            Assert.That(() => UpscalerSet.FromPretrained(folder), Throws.TypeOf<WeightsException>().With.Message.Contains("4 times"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void FromPretrained_OtherNetwork_IsRefusedByName() =>
        Assert.That(
            () => Upscaler.FromPretrained(GoldenCase.InRepository("models/demo/vae/diffusion_pytorch_model.safetensors")),
            Throws.TypeOf<WeightsException>().With.Message.Contains("RRDBNet")
        );

    [Test]
    public void Upscale_Cancelled_StopsBetweenTilesAndLeavesNoTensor()
    {
        using var upscaler = new Upscaler(
            Random(
                new RRDBNetConfig
                {
                    NumFeat = 8,
                    NumBlock = 1,
                    NumGrowCh = 4,
                }
            )
        )
        {
            MaxValues = 8L * 16 * 64 * 64,
        };
        using var stop = new CancellationTokenSource();
        int tiles = 0;
        long before = TensorCount.Settled();
        Assert.That(
            () =>
                upscaler.Upscale(
                    Scene(96, 96),
                    (done, _) =>
                    {
                        tiles = done;
                        stop.Cancel();
                    },
                    stop.Token
                ),
            Throws.InstanceOf<OperationCanceledException>()
        );
        Assert.That(tiles, Is.EqualTo(1));
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [TestCase(1000, 700, 200 * 200, 16, 1)]
    [TestCase(1000, 700, 200 * 200, 17, 4)]
    [TestCase(33, 4000, 128 * 128, 48, 2)]
    [TestCase(5, 5, 1, 48, 1)]
    public void Cut_AnySize_CoversThePictureOnceWithinTheBound(int width, int height, long maxPixels, int margin, int multiple)
    {
        IReadOnlyList<Tile> tiles = TileGrid.Cut(width, height, maxPixels, margin, multiple);
        int[] covered = new int[width * height];
        foreach (Tile tile in tiles)
        {
            for (int y = tile.Core.Top; y < tile.Core.Bottom; y++)
            {
                for (int x = tile.Core.Left; x < tile.Core.Right; x++)
                {
                    covered[(y * width) + x]++;
                }
            }

            Assert.That((tile.Window.Left % multiple, tile.Window.Top % multiple), Is.EqualTo((0, 0)));
            Assert.That(tile.Window.Left == 0 || tile.Core.Left - tile.Window.Left >= margin);
            Assert.That(tile.Window.Bottom == height || tile.Window.Bottom - tile.Core.Bottom >= margin);
            // A core below twice its margin is not made, nor is one that is not a multiple
            Assert.That(
                (long)tile.Window.Width * tile.Window.Height,
                Is.LessThanOrEqualTo(Math.Max(maxPixels, 16L * (margin + multiple) * (margin + multiple)))
            );
        }

        Assert.That(covered, Is.All.EqualTo(1));
    }

    private static RRDBNet DemoNetwork()
    {
        using var file = SafetensorsFile.Open(Directory.GetFiles(Demo, "*.safetensors").Single());
        var weights = new NetworkWeights(file);
        return new RRDBNet(RRDBNetConfig.FromWeights(weights), weights);
    }

    private static RRDBNet Random(RRDBNetConfig config) => RandomWeights.Build(w => new RRDBNet(config, w));

    private static int[] Differences(Picture a, Picture b) => [.. a.Bytes.Zip(b.Bytes, (x, y) => Math.Abs(x - y))];

    private static double Psnr(Picture a, Picture b) =>
        10 * Math.Log10(255.0 * 255 / a.Bytes.Zip(b.Bytes, (x, y) => (double)(x - y) * (x - y)).Average());

    private static Picture Apple() => PictureCodec.Decode(File.ReadAllBytes(GoldenCase.InRepository("docs/apple.png"))).DropAlpha();

    /// <summary>The apple again and again: a picture as the network knows it, of any size.</summary>
    private static Picture Scene(int width, int height)
    {
        Picture apple = Apple().Resize(64, 64);
        var scene = new Picture(width, height, 3);
        for (int top = 0; top < height; top += 64)
        {
            for (int left = 0; left < width; left += 64)
            {
                scene.Paste(apple, left, top);
            }
        }

        return scene;
    }
}
