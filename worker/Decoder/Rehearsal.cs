using System.IO.Compression;
using System.Reflection;
using System.Runtime;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Resizing;

namespace Generation.Decoder;

/// <summary>
/// Loads, before the first file comes, all that decoding needs: afterwards no file can be opened any more, and the first picture is as
/// quick as all others.
/// </summary>
internal static class Rehearsal
{
    /// <summary>Memory beyond which this process gives back what the last picture took, in bytes.</summary>
    private const long Kept = 32 << 20;

    /// <exception cref="DllNotFoundException">The library that decodes pictures cannot be loaded here.</exception>
    public static void Run()
    {
        LoadAssemblies(typeof(PictureCodec).Assembly.GetName(), []);
        LoadCompression();
        foreach (PictureFormat format in Enum.GetValues<PictureFormat>())
        {
            foreach (int channels in (int[])[1, 3, 4])
            {
                byte[] file = PictureCodec.Encode(new Picture(64, 48, channels), format);
                Picture picture = PictureCodec.Decode(file);
                foreach (FitMode mode in Enum.GetValues<FitMode>())
                {
                    picture.ToRgb().Fit(32, 40, mode);
                }

                try
                {
                    PictureCodec.Decode(file.AsSpan(0, file.Length / 2));
                }
                catch (PictureException)
                {
                    // How a damaged file is refused is rehearsed, too
                }
            }
        }
    }

    /// <summary>A process that waits takes little memory, whatever it decoded before.</summary>
    public static void GiveBackMemory()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) > Kept)
        {
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    private static void LoadAssemblies(AssemblyName name, HashSet<string> seen)
    {
        if (!seen.Add(name.FullName))
        {
            return;
        }

        foreach (AssemblyName needed in Assembly.Load(name).GetReferencedAssemblies())
        {
            LoadAssemblies(needed, seen);
        }
    }

    /// <summary>PNG files of 16 bits are unpacked by a native library of .NET.</summary>
    private static void LoadCompression()
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write([1, 2, 3]);
        }

        packed.Position = 0;
        using var back = new ZLibStream(packed, CompressionMode.Decompress);
        back.ReadByte();
    }
}
