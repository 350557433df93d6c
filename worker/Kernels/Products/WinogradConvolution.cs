using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// 3 x 3 convolutions of stride 1 with zeros around the pictures, by the 36 matrix products (tiles x channels x outputs) of
/// <see cref="Winograd"/>. Tiles are computed in blocks, so that their transforms stay in the caches. The weight is transformed as it is
/// needed, for a block of tiles at a time, which costs a few per cent of the products; stored transformed it would take four times its
/// memory.
/// </summary>
internal static unsafe class WinogradConvolution
{
    private const int LargestTiles = 64;
    private const int LargestColumns = 320;

    /// <summary>Channels and outputs must be multiples of this number.</summary>
    private const int Step = 16;

    // smaller pictures have too few tiles for a transformed weight
    private const int SmallestPicture = 8;

    /// <summary>Whether this is possible for a layer, and likely faster than direct summation, for pictures of a size.</summary>
    public static bool Suits(Window window, int channels, int outputs, int height, int width) =>
        window == new Window(3, 3, 1, 1)
        && Math.Min(height, width) >= SmallestPicture
        && channels % Step == 0
        && outputs % Step == 0
        && Math.Min(channels, outputs) >= Depth.ManyChannels;

    public static void Run<TNumbers>(
        PackedMatrix matrix,
        byte* x,
        byte* result,
        byte* added,
        int channels,
        int batch,
        int height,
        int width
    )
        where TNumbers : struct, INumbers
    {
        var layer = new Layer(matrix, x, result, added, channels, height, width);
        if (matrix.Instructions >= InstructionSet.Avx512)
        {
            Run<TNumbers, Avx512Tile, Lanes512, Vector512<float>>(layer, batch);
        }
        else
        {
            Run<TNumbers, Avx2Tile, Lanes256, Vector256<float>>(layer, batch);
        }
    }

    private static void Run<TNumbers, TTile, TLanes, TVector>(Layer layer, int batch)
        where TNumbers : struct, INumbers
        where TTile : struct, ITile
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var pieces = Pieces.Cut(
            (long)batch * layer.TileRows * layer.TileColumns,
            LargestTiles,
            1,
            layer.Matrix.Panels,
            LargestColumns / TTile.Columns
        );
        ThreadTeam.For(pieces.Count, piece => Piece<TNumbers, TTile, TLanes, TVector>(layer, pieces[piece]));
    }

    private static void Piece<TNumbers, TTile, TLanes, TVector>(Layer layer, Piece piece)
        where TNumbers : struct, INumbers
        where TTile : struct, ITile
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        PackedMatrix matrix = layer.Matrix;
        var tiles = TileRows.Cover<TTile>(piece.Rows);
        int rows = tiles.Count<TTile>();
        int blocks = matrix.Blocks.Count / 9;
        int keptPanels = blocks == 1 ? 1 : piece.Panels;
        int inputStride = rows * Depth.Stride;
        int productStride = rows * TTile.Columns;
        using var scratch = Scratch.Take(
            Winograd.Products * inputStride,
            keptPanels * Winograd.Products * productStride,
            Winograd.Inputs * Depth.Largest * TTile.Columns,
            TTile.Rows * TTile.Columns,
            Depth.Largest,
            Winograd.Products * TLanes.Count
        );
        float* input = scratch[0];
        float* weight = scratch[2];
        float* zeros = scratch[3];
        byte* padding = (byte*)scratch[4];
        new Span<float>(zeros, TTile.Rows * TTile.Columns).Clear();
        new Span<float>(padding, Depth.Largest).Clear();
        byte** pixels = stackalloc byte*[Winograd.Products];
        byte** taps = stackalloc byte*[9];
        for (int k = 0; k < blocks; k++)
        {
            DepthBlock depth = matrix.Blocks[k];
            for (int i = 0; i < piece.Rows; i++)
            {
                layer.Pixels<TNumbers>(piece.FirstRow + i, depth.Start, padding, pixels);
                Winograd.Input<TNumbers, TLanes, TVector>(pixels, input + (i * Depth.Stride), inputStride, depth.Count, scratch[5]);
            }

            for (int p = 0; p < piece.Panels; p++)
            {
                int panel = piece.FirstPanel + p;
                for (int tap = 0; tap < 9; tap++)
                {
                    taps[tap] = matrix.Stored(matrix.Blocks[(tap * blocks) + k], panel);
                }

                float* products = scratch[1] + (p % keptPanels * Winograd.Products * productStride);
                int weightStride = depth.Count * TTile.Columns;
                for (int row = 0; row < Winograd.Inputs; row++)
                {
                    if (matrix.Element == Element.Float32)
                    {
                        Winograd.Weight<Float32Numbers, TLanes, TVector>(taps, weight, weightStride, row);
                    }
                    else
                    {
                        Winograd.Weight<BFloat16Numbers, TLanes, TVector>(taps, weight, weightStride, row);
                    }

                    for (int column = 0; column < Winograd.Inputs; column++)
                    {
                        int product = (row * Winograd.Inputs) + column;
                        tiles.Multiply<TTile>(
                            input + (product * inputStride),
                            weight + (column * weightStride),
                            depth.Count,
                            k == 0 ? zeros : null,
                            products + (product * productStride)
                        );
                    }
                }

                if (k == blocks - 1)
                {
                    Write<TNumbers, TTile, TLanes, TVector>(layer, piece, panel, products, productStride);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write<TNumbers, TTile, TLanes, TVector>(Layer layer, Piece piece, int panel, float* products, nint stride)
        where TNumbers : struct, INumbers
        where TTile : struct, ITile
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        const int pixels = Winograd.Outputs * Winograd.Outputs;
        float* tile = stackalloc float[pixels * TLanes.Count];
        float* half = stackalloc float[Winograd.Inputs * Winograd.Outputs * TLanes.Count];
        int outputs = layer.Matrix.Results;
        for (int i = 0; i < piece.Rows; i++)
        {
            (long picture, int top, int left) = layer.Place(piece.FirstRow + i);
            for (int column = 0; column < TTile.Columns && (panel * TTile.Columns) + column < outputs; column += TLanes.Count)
            {
                Winograd.Output<TLanes, TVector>(products + (i * TTile.Columns) + column, stride, tile, half);
                TVector bias = TLanes.Load(layer.Matrix.Bias(panel) + column);
                for (int y = 0; y < Winograd.Outputs && top + y < layer.Height; y++)
                {
                    for (int x = 0; x < Winograd.Outputs && left + x < layer.Width; x++)
                    {
                        long pixel = (((picture * layer.Height) + top + y) * layer.Width) + left + x;
                        long at = ((pixel * outputs) + (panel * TTile.Columns) + column) * TNumbers.Size;
                        TVector sum = TLanes.Add(TLanes.Load(tile + (((y * Winograd.Outputs) + x) * TLanes.Count)), bias);
                        sum = layer.Added is null ? sum : TLanes.Add(sum, TNumbers.Load<TLanes, TVector>(layer.Added + at));
                        TNumbers.Store<TLanes, TVector>(layer.Result + at, sum);
                    }
                }
            }
        }
    }

    private sealed class Layer(PackedMatrix matrix, byte* x, byte* result, byte* added, int channels, int height, int width)
    {
        public PackedMatrix Matrix => matrix;

        public byte* Result => result;

        public byte* Added => added;

        public int Height => height;

        public int Width => width;

        public int TileRows => (height + Winograd.Outputs - 1) / Winograd.Outputs;

        public int TileColumns => (width + Winograd.Outputs - 1) / Winograd.Outputs;

        /// <summary>The index of the picture that a tile belongs to, and the tile's first pixel in the result.</summary>
        public (long Picture, int Top, int Left) Place(long tile)
        {
            long picture = tile / (TileRows * TileColumns);
            int inPicture = (int)(tile % (TileRows * TileColumns));
            return (picture, inPicture / TileColumns * Winograd.Outputs, inPicture % TileColumns * Winograd.Outputs);
        }

        /// <summary>
        /// Finds the addresses of the pixels that a tile is computed from, at a channel; <paramref name="padding"/> for those outside of
        /// the picture.
        /// </summary>
        public void Pixels<TNumbers>(long tile, int channel, byte* padding, byte** pixels)
            where TNumbers : struct, INumbers
        {
            (long picture, int top, int left) = Place(tile);
            for (int i = 0; i < Winograd.Products; i++)
            {
                int row = top + (i / Winograd.Inputs) - 1;
                int column = left + (i % Winograd.Inputs) - 1;
                long pixel = (((picture * height) + row) * width) + column;
                pixels[i] =
                    (uint)row < (uint)height && (uint)column < (uint)width ? x + (((pixel * channels) + channel) * TNumbers.Size) : padding;
            }
        }
    }
}
