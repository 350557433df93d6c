using System.Diagnostics;
using Generation.Imaging.Codecs;

namespace Generation.Imaging.Tests;

public sealed class NativeMemoryTests
{
    [Test]
    [NonParallelizable]
    public void DecodeAndEncode_ManyTimes_GiveTheirMemoryBack([Values] PictureFormat format)
    {
        Picture picture = Pictures.Make(512, 512, 3, smooth: true, seed: 1);
        byte[] file = PictureCodec.Encode(picture, format);
        byte[] cut = [.. file[..(file.Length / 2)]];
        Turn(10);
        long before = Resident();
        Turn(60);
        // What one turn alone holds in native memory is over 2 MiB
        Assert.That(Resident() - before, Is.LessThan(48L << 20));

        void Turn(int times)
        {
            for (int i = 0; i < times; i++)
            {
                PictureCodec.Encode(PictureCodec.Decode(file), format, 50);
                Assert.That(() => PictureCodec.Decode(cut), Throws.TypeOf<PictureException>());
            }
        }

        static long Resident()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Process.GetCurrentProcess().WorkingSet64;
        }
    }
}
