using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Imaging.Masks;
using Generation.Imaging.Resizing;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>
/// Enlarges pictures by a whole factor, with a network of the Real-ESRGAN family. Wang et al., 2021. A picture that does not fit the limit
/// on memory is enlarged in tiles, with so many pixels around each that no seam remains.
/// </summary>
public sealed class Upscaler : IDisposable
{
    /// <summary>How many values one feature map of a tile may have: 256 MiB in float32. A network holds about three such maps.</summary>
    public const long DefaultMaxValues = 1L << 26;

    /// <summary>
    /// Pixels around a tile. Deep networks could look hundreds of pixels far, but what lies further than this changes no value by as much
    /// as rounding does.
    /// </summary>
    private const int LargestMargin = 32;

    private readonly IUpscalerNetwork _network;
    private readonly Device _device;

    /// <param name="network">The network, which is disposed with the upscaler.</param>
    public Upscaler(IUpscalerNetwork network, Device? device = null)
    {
        _network = network;
        _device = device ?? CPU;
    }

    /// <summary>The factor by which width and height grow.</summary>
    public int Scale => _network.Scale;

    /// <summary>The limit on the values of one feature map. With less, tiles are smaller and more is computed twice.</summary>
    public long MaxValues { get; init; } = DefaultMaxValues;

    /// <summary>Loads a .safetensors file, or a folder with one such file, with or without a config.json.</summary>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static Upscaler FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        if (!Directory.Exists(path))
        {
            return new Upscaler(UpscalerFile.Load(path, config: null, dtype, device), device);
        }

        string[] files = Directory.GetFiles(path, "*.safetensors");
        if (files.Length != 1)
        {
            throw new WeightsException($"{path}: holds {files.Length} .safetensors files and must hold one.");
        }

        string config = Path.Combine(path, "config.json");
        return new Upscaler(UpscalerFile.Load(files[0], File.Exists(config) ? config : null, dtype, device), device);
    }

    /// <summary>The tiles in which a picture of this size is enlarged.</summary>
    public IReadOnlyList<Tile> Tiles(int width, int height) =>
        TileGrid.Cut(width, height, MaxValues / _network.ValuesPerPixel, Math.Min(_network.Reach, LargestMargin), _network.Multiple);

    /// <summary>Enlarges pictures.</summary>
    /// <param name="images">(n, height, width, 3), float32 from 0 to 1, as pipelines make them.</param>
    /// <param name="token">Checked before each tile.</param>
    /// <returns>(n, height * scale, width * scale, 3), float32 from 0 to 1, in the caller's scope.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Tensor Upscale(Tensor images, CancellationToken token = default)
    {
        using DisposeScope scope = NewDisposeScope();
        IReadOnlyList<Tile> tiles = Tiles((int)images.shape[2], (int)images.shape[1]);
        Tensor larger = empty([images.shape[0], images.shape[1] * Scale, images.shape[2] * Scale, 3], dtype: ScalarType.Float32);
        for (long k = 0; k < images.shape[0]; k++)
        {
            foreach (Tile tile in tiles)
            {
                token.ThrowIfCancellationRequested();
                using DisposeScope inner = NewDisposeScope();
                Tensor enlarged = Enlarge(Part(images.narrow(0, k, 1), tile.Window), tile);
                Part(larger.narrow(0, k, 1), Scaled(tile.Core)).copy_(enlarged);
            }
        }

        return larger.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Enlarges a picture. Its alpha channel is enlarged by the bicubic filter, so that transparent and opaque pixels stay so, which
    /// networks do not promise.
    /// </summary>
    /// <param name="onTile">Called after each tile with the number of tiles done and the number of all.</param>
    /// <param name="token">Checked before each tile.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Picture Upscale(Picture picture, Action<int, int>? onTile = null, CancellationToken token = default)
    {
        Picture colours = EnlargeColours(picture.DropAlpha(), onTile, token);
        return picture.Channels switch
        {
            1 => colours.ToGrey(),
            4 => colours.WithAlpha(picture.AlphaChannel().Resize(colours.Width, colours.Height, ResamplingFilter.Bicubic)),
            _ => colours,
        };
    }

    /// <summary>
    /// Returns a picture <paramref name="factor"/> times larger: enlarged by the network, repeatedly where once is not enough, and reduced
    /// where that is more.
    /// </summary>
    /// <inheritdoc cref="Upscale(Picture, Action{int, int}?, CancellationToken)"/>
    public Picture UpscaleBy(Picture picture, int factor, Action<int, int>? onTile = null, CancellationToken token = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        (int width, int height) = (picture.Width * factor, picture.Height * factor);
        Picture larger = Upscale(picture, onTile, token);
        while (larger.Width < width && Scale > 1)
        {
            larger = Upscale(larger, onTile, token);
        }

        return larger.Resize(width, height);
    }

    public void Dispose() => _network.Dispose();

    private Picture EnlargeColours(Picture picture, Action<int, int>? onTile, CancellationToken token)
    {
        var larger = new Picture(picture.Width * Scale, picture.Height * Scale, 3);
        IReadOnlyList<Tile> tiles = Tiles(picture.Width, picture.Height);
        for (int k = 0; k < tiles.Count; k++)
        {
            token.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            PictureRegion seen = tiles[k].Window;
            Tensor window = PictureTensors.FromPicture(picture.Crop(seen.Left, seen.Top, seen.Width, seen.Height)).permute(0, 2, 3, 1);
            PictureRegion place = Scaled(tiles[k].Core);
            larger.Paste(PictureTensors.ToPictures(Enlarge(window, tiles[k]))[0], place.Left, place.Top);
            onTile?.Invoke(k + 1, tiles.Count);
        }

        return larger;
    }

    /// <summary>Enlarges a tile's core. <paramref name="window"/> and result are (1, height, width, 3), in the caller's scope.</summary>
    private Tensor Enlarge(Tensor window, Tile tile)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable inference = inference_mode();
        Tensor input = window.permute(0, 3, 1, 2).contiguous().to(_device);
        Tensor output = _network.Forward(input).to(ScalarType.Float32).clamp(0, 1).cpu().permute(0, 2, 3, 1);
        PictureRegion core = Scaled(
            new PictureRegion(
                tile.Core.Left - tile.Window.Left,
                tile.Core.Top - tile.Window.Top,
                tile.Core.Right - tile.Window.Left,
                tile.Core.Bottom - tile.Window.Top
            )
        );
        return Part(output, core).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor Part(Tensor images, PictureRegion region) =>
        images.narrow(1, region.Top, region.Height).narrow(2, region.Left, region.Width);

    private PictureRegion Scaled(PictureRegion region) =>
        new(region.Left * Scale, region.Top * Scale, region.Right * Scale, region.Bottom * Scale);
}
