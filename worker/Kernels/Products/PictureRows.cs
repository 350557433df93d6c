using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// The numbers that each pixel of a convolution's result is computed from, as a row, with pixels in the order (picture, row, column) and
/// numbers in the order (tap, channel). They are read from the pictures (batch, height, width, channels) as they are needed; padding is
/// zeros.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct PictureRows<TNumbers>(byte* pictures, int channels, Window window, int height, int width) : IRows
    where TNumbers : struct, INumbers
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack<TLanes, TVector>(float* block, long first, int rows, int start, int count)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        int resultHeight = window.ResultHeight(height);
        int resultWidth = window.ResultWidth(width);
        for (int done = 0, length; done < count; done += length)
        {
            int tap = (start + done) / channels;
            int channel = start + done - (tap * channels);
            length = Math.Min(channels - channel, count - done);
            (int down, int right) = (tap / window.Width - window.Padding, tap % window.Width - window.Padding);
            int column = (int)(first % resultWidth);
            int row = (int)(first / resultWidth % resultHeight);
            long picture = first / resultWidth / resultHeight;
            float* to = block + done;
            for (int i = 0; i < rows; i++, to += Depth.Stride)
            {
                int y = (row * window.Stride) + down;
                int x = (column * window.Stride) + right;
                if ((uint)y < (uint)height && (uint)x < (uint)width)
                {
                    long index = (((((picture * height) + y) * width) + x) * channels) + channel;
                    WideningCopy.Widen<TNumbers, TLanes, TVector>(pictures + (index * TNumbers.Size), to, length);
                }
                else
                {
                    new Span<float>(to, length).Clear();
                }

                if (++column == resultWidth)
                {
                    column = 0;
                    if (++row == resultHeight)
                    {
                        row = 0;
                        picture++;
                    }
                }
            }
        }

        for (int i = 0; i < rows; i++)
        {
            WideningCopy.Pad(block + (i * Depth.Stride), count);
        }
    }
}

/// <summary>The window of a convolution, and how it moves over a picture.</summary>
/// <param name="Padding">The number of zeros on each side of a picture.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Window(int Height, int Width, int Stride, int Padding)
{
    public int ResultHeight(int height) => ((height + (2 * Padding) - Height) / Stride) + 1;

    public int ResultWidth(int width) => ((width + (2 * Padding) - Width) / Stride) + 1;
}
