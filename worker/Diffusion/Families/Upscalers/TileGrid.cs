using System.Runtime.InteropServices;
using Generation.Imaging.Masks;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>A part of a picture that is enlarged at once.</summary>
/// <param name="Core">The pixels that it contributes to the result; the cores of a grid cover the picture once.</param>
/// <param name="Window">The core and the pixels around it that the network gets.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Tile(PictureRegion Core, PictureRegion Window);

/// <summary>Cuts a picture into overlapping tiles, each of which fits a limit on memory.</summary>
public static class TileGrid
{
    /// <summary>Returns the tiles from the upper left corner, row by row; a single one where the whole picture fits.</summary>
    /// <param name="width">The picture's width in pixels.</param>
    /// <param name="maxPixels">The largest number of pixels of a window, which is kept where margins leave room for a core.</param>
    /// <param name="margin">The number of pixels around a core, as far as the picture reaches.</param>
    /// <param name="multiple">Windows begin at multiples of this number.</param>
    public static IReadOnlyList<Tile> Cut(int width, int height, long maxPixels, int margin, int multiple = 1)
    {
        if ((long)width * height <= maxPixels)
        {
            var whole = new PictureRegion(0, 0, width, height);
            return [new Tile(whole, whole)];
        }

        margin = RoundUp(margin, multiple);
        // Below twice its margin a core would cost more around it than it is worth
        int core = RoundUp(Math.Max((int)Math.Sqrt(maxPixels) - (2 * margin), Math.Max(2 * margin, 1)), multiple);
        int columns = (width + core - 1) / core;
        int rows = (height + core - 1) / core;
        // All about equally large: a narrow rest would be mostly margin
        int wide = RoundUp((width + columns - 1) / columns, multiple);
        int high = RoundUp((height + rows - 1) / rows, multiple);
        var tiles = new List<Tile>();
        for (int top = 0; top < height; top += high)
        {
            for (int left = 0; left < width; left += wide)
            {
                var part = new PictureRegion(left, top, Math.Min(left + wide, width), Math.Min(top + high, height));
                tiles.Add(
                    new Tile(
                        part,
                        new PictureRegion(
                            Math.Max(part.Left - margin, 0),
                            Math.Max(part.Top - margin, 0),
                            Math.Min(part.Right + margin, width),
                            Math.Min(part.Bottom + margin, height)
                        )
                    )
                );
            }
        }

        return tiles;
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
