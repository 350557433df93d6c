using System.Globalization;
using System.Runtime.InteropServices;
using Generation.Decoder;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Isolation;
using Generation.Imaging.Processes;
using Generation.Imaging.Resizing;
using Microsoft.Win32.SafeHandles;

// Decodes pictures of strangers for a process that holds secrets: files come from standard input, pixels go to standard output. It is
// started by DecoderPool, which says what the arguments are, with an empty environment; before the first file it gives up all that
// decoding does not need.
long[] numbers = [.. args.Select(argument => long.Parse(argument, CultureInfo.InvariantCulture))];
var limits = new PictureLimits
{
    MaxBytes = numbers[0],
    MaxSide = (int)numbers[1],
    MaxPixels = numbers[2],
};

// What .NET reserves of the address space, most of it for the heap that it may come to, besides what it uses
const long Reserved = 6L << 30;
long memory = numbers[3];
uint seconds = (uint)numbers[4];

using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
using var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
Rehearsal.Run();
string? lacks = Confinement.Apply(
    new ProcessLimits
    {
        FileBytes = 0,
        DataBytes = memory,
        AddressSpaceBytes = memory + Reserved,
    }
);
DecoderMessages.WriteText(output, lacks ?? "");
while (DecoderMessages.ReadRequest(input, limits) is { } request)
{
    // The kernel ends this process when the time is over, whoever else still lives
    _ = Native.alarm(seconds);
    try
    {
        Picture picture = PictureCodec.Decode(request.File, limits);
        DecoderMessages.WritePicture(output, request.Size is { } size ? picture.ToRgb().Fit(size.Width, size.Height, size.Mode) : picture);
    }
    catch (PictureException e)
    {
        DecoderMessages.WriteRefusal(output, e);
    }
    catch (OutOfMemoryException)
    {
        string message = DecoderMessages.TooMuchMemory(memory);
        DecoderMessages.WriteRefusal(output, new PictureException(PictureFault.TooLarge, message));
    }

    _ = Native.alarm(0);
    Rehearsal.GiveBackMemory();
}

namespace Generation.Decoder
{
    /// <summary>The signal that ends this process after some seconds (alarm(2)); 0 takes the order back.</summary>
    internal static partial class Native
    {
        [LibraryImport("libc")]
        internal static partial uint alarm(uint seconds);
    }
}
