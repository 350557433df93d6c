using System.Runtime.InteropServices;
using Generation.Diffusion.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// Decodes pictures of any size in bounded memory. What is small is computed over the whole picture: attention, and the stages whose
/// feature maps are within the limit. The rest is computed tile by tile. Each tile has as many pixels around it as the convolutions look
/// at, and group norms use statistics that are measured once, over the reduced picture. So tiles fit exactly, and a picture differs from
/// one decoded as a whole only by the error of those statistics, which is the same everywhere.
/// </summary>
/// <param name="maxValues">The largest number of values of one feature map.</param>
internal sealed class VaeTiling(VaeDecoder decoder, int downscale, long maxValues)
{
    // Below this a tile is mostly margin
    private const long SmallestTile = 16;

    /// <param name="latents">(batch, latent channels, height, width), in the network's type</param>
    /// <returns>(batch, out channels, height * downscale, width * downscale)</returns>
    public Tensor Decode(Tensor latents, CancellationToken token)
    {
        long height = latents.shape[2],
            width = latents.shape[3];
        int tiledFrom = Enumerable
            .Range(0, decoder.Stages)
            .FirstOrDefault(stage => LargestMap(stage, height, width) > maxValues, decoder.Stages);
        // Pictures that fit as a whole go together as far as they fit; others one by one
        long together =
            tiledFrom < decoder.Stages
                ? 1
                : Math.Max(1, maxValues / Enumerable.Range(0, decoder.Stages).Max(stage => LargestMap(stage, height, width)));
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> decoded = [];
        for (long first = 0; first < latents.shape[0]; first += together)
        {
            token.ThrowIfCancellationRequested();
            Tensor some = latents.narrow(0, first, Math.Min(together, latents.shape[0] - first));
            decoded.Add(tiledFrom < decoder.Stages ? DecodeOne(some, tiledFrom, token) : decoder.Forward(some));
        }
        return (decoded.Count == 1 ? decoded[0] : torch.cat(decoded, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>The number of values of the largest map of a stage, for latents of a size.</summary>
    private long LargestMap(int stage, long height, long width)
    {
        long area = height * width << (2 * stage);
        long doubled = stage < decoder.Stages - 1 ? 4L * decoder.Channels[stage] : 0;
        return area * Math.Max(Math.Max(decoder.ChannelsInto(stage), decoder.Channels[stage]), doubled);
    }

    private Tensor DecodeOne(Tensor latents, int tiledFrom, CancellationToken token)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor map = decoder.Head(latents);
        for (int stage = 0; stage < tiledFrom; stage++)
        {
            token.ThrowIfCancellationRequested();
            Scoped.Swap(ref map, decoder.Stage(map, stage));
        }
        long height = map.shape[2],
            width = map.shape[3];
        long scale = downscale >> tiledFrom,
            margin = Margin(tiledFrom);
        // Values per position of this map, in the largest map that comes of it
        long weight = Enumerable.Range(tiledFrom, decoder.Stages - tiledFrom).Max(stage => LargestMap(stage, 1, 1)) >> (2 * tiledFrom);
        long side = Math.Max((long)Math.Sqrt(maxValues / weight), SmallestTile + 2 * margin);
        using NormStatistics statistics = Measure(map, tiledFrom, side);
        Tensor? picture = null;
        foreach (long top in Starts(height, side - 2 * margin))
        {
            foreach (long left in Starts(width, side - 2 * margin))
            {
                token.ThrowIfCancellationRequested();
                using DisposeScope inner = NewDisposeScope();
                var core = new MapRegion(top, left, Math.Min(side - 2 * margin, height - top), Math.Min(side - 2 * margin, width - left));
                MapRegion window = Around(core, margin, height, width);
                statistics.Rewind();
                Tensor tile = decoder.Tail(Cut(map, window), tiledFrom, statistics);
                picture ??= torch
                    .empty([1, tile.shape[1], height * scale, width * scale], dtype: tile.dtype, device: tile.device)
                    .MoveToOuterDisposeScope();
                Cut(picture, Scaled(core, scale))
                    .copy_(Cut(tile, Scaled(core with { Top = top - window.Top, Left = left - window.Left }, scale)));
            }
        }
        return picture!.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Measures the statistics of all norms from <paramref name="tiledFrom"/> on, over the map reduced to the size of one tile.
    /// </summary>
    private NormStatistics Measure(Tensor map, int tiledFrom, long side)
    {
        using DisposeScope scope = NewDisposeScope();
        long height = map.shape[2],
            width = map.shape[3];
        double shrink = Math.Min(1, Math.Sqrt((double)side * side / (height * width)));
        // Every nth value, not means of several: a map of means would have less contrast
        Tensor small = Upsample2D.Nearest(map, (Math.Max(1, (long)(height * shrink)), Math.Max(1, (long)(width * shrink))));
        var statistics = new NormStatistics();
        decoder.Tail(small, tiledFrom, statistics);
        return statistics;
    }

    /// <summary>How far the stages from <paramref name="firstStage"/> on look around a position of their input.</summary>
    private long Margin(int firstStage)
    {
        double reach = 0;
        for (int stage = firstStage; stage < decoder.Stages; stage++)
        {
            double pixel = Math.Pow(0.5, stage - firstStage);
            // Two convolutions in each residual block, then one after the doubling or at the very end
            reach += decoder.ResnetsPerStage * 2 * pixel + (stage < decoder.Stages - 1 ? pixel / 2 : pixel);
        }
        return (long)Math.Ceiling(reach);
    }

    private static IEnumerable<long> Starts(long length, long step)
    {
        for (long start = 0; start < length; start += step)
        {
            yield return start;
        }
    }

    private static MapRegion Around(MapRegion core, long margin, long height, long width)
    {
        long top = Math.Max(core.Top - margin, 0),
            left = Math.Max(core.Left - margin, 0);
        return new MapRegion(
            top,
            left,
            Math.Min(core.Top + core.Height + margin, height) - top,
            Math.Min(core.Left + core.Width + margin, width) - left
        );
    }

    private static MapRegion Scaled(MapRegion region, long scale) =>
        new(region.Top * scale, region.Left * scale, region.Height * scale, region.Width * scale);

    private static Tensor Cut(Tensor map, MapRegion region) =>
        map.narrow(2, region.Top, region.Height).narrow(3, region.Left, region.Width);
}

/// <summary>A part of a feature map, in rows and columns.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MapRegion(long Top, long Left, long Height, long Width);
