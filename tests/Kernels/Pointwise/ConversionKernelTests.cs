using Generation.Kernels.Pointwise;

namespace Generation.Kernels.Tests.Pointwise;

public sealed unsafe class ConversionKernelTests
{
    public static IEnumerable<InstructionSet> Sets => InstructionSets.Vectors;

    [TestCaseSource(nameof(Sets))]
    public void BFloat16AndFloat16_EachOfTheirNumbers_IsTheSameAsFloat32(InstructionSet set)
    {
        const int count = 65536;
        using var from = new GuardedArray(Element.BFloat16, count);
        using var wide = new GuardedArray(Element.Float32, count);
        for (int i = 0; i < count; i++)
        {
            ((ushort*)from.Data)[i] = (ushort)i;
        }

        ConversionKernel.BFloat16ToFloat32((ushort*)from.Data, (float*)wide.Data, count, set);
        for (int i = 0; i < count; i++)
        {
            Assert.That(((uint*)wide.Data)[i], Is.EqualTo((uint)i << 16));
        }

        ConversionKernel.Float16ToFloat32((ushort*)from.Data, (float*)wide.Data, count, set);
        for (int i = 0; i < count; i++)
        {
            Half half = BitConverter.UInt16BitsToHalf((ushort)i);
            if (Half.IsNaN(half))
            {
                Assert.That(wide[i], Is.NaN);
            }
            else
            {
                Assert.That(((uint*)wide.Data)[i], Is.EqualTo(BitConverter.SingleToUInt32Bits((float)half)), $"{i:x4}");
            }
        }
    }

    [TestCaseSource(nameof(Sets))]
    public void ToBFloat16_AnyNumber_IsTheNearest(InstructionSet set)
    {
        const int count = 262147;
        using var from = new GuardedArray(Element.Float32, count);
        using var to = new GuardedArray(Element.BFloat16, count);
        var random = new Random(3);
        uint[] special =
        [
            0x3f808000,
            0x3f818000,
            0x3f807fff,
            0x3f808001,
            0x7f7fffff,
            0x7f800000,
            0xff800000,
            0x00000001,
            0x80000000,
            0x7f800001,
            0xffc00000,
            0x7fffffff,
        ];
        for (int i = 0; i < count; i++)
        {
            ((uint*)from.Data)[i] = i < special.Length ? special[i] : (uint)random.NextInt64(1L << 32);
        }

        ConversionKernel.Float32ToBFloat16((float*)from.Data, (ushort*)to.Data, count, set);
        for (int i = 0; i < count; i++)
        {
            if (float.IsNaN(from[i]))
            {
                Assert.That(to[i], Is.NaN);
            }
            else
            {
                Assert.That(((ushort*)to.Data)[i], Is.EqualTo(GuardedArray.Nearest(from[i])), $"{from[i]:g9}");
            }
        }
    }

    [TestCaseSource(nameof(Sets))]
    public void Float16ToBFloat16_AnyNumber_IsTheNearest(InstructionSet set)
    {
        const int count = 65535;
        using var from = new GuardedArray(Element.BFloat16, count);
        using var to = new GuardedArray(Element.BFloat16, count, atEnd: false);
        for (int i = 0; i < count; i++)
        {
            ((ushort*)from.Data)[i] = (ushort)i;
        }

        ConversionKernel.Float16ToBFloat16((ushort*)from.Data, (ushort*)to.Data, count, set);
        for (int i = 0; i < count; i++)
        {
            float value = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            Assert.That(((ushort*)to.Data)[i], float.IsNaN(value) ? Is.GreaterThan(0) : Is.EqualTo(GuardedArray.Nearest(value)), $"{i:x4}");
        }
    }

    // past the caches from 4 MiB on, where the result is aligned
    [TestCaseSource(nameof(Sets))]
    public void Float32ToBFloat16_LongAlignedResult_IsTheNearest(InstructionSet set)
    {
        const int count = 3 << 20;
        using var from = GuardedArray.Random(Element.Float32, count, seed: 9);
        using var to = new GuardedArray(Element.BFloat16, count, atEnd: false);
        using var back = new GuardedArray(Element.Float32, count, atEnd: false);
        InstructionSets.WithThreads(2, () => ConversionKernel.Float32ToBFloat16((float*)from.Data, (ushort*)to.Data, count, set));
        InstructionSets.WithThreads(2, () => ConversionKernel.BFloat16ToFloat32((ushort*)to.Data, (float*)back.Data, count, set));
        for (int i = 0; i < count; i++)
        {
            if (back[i] != GuardedArray.Wide(GuardedArray.Nearest(from[i])))
            {
                Assert.Fail($"number {i}: {back[i]:g9} for {from[i]:g9}");
            }
        }
    }
}
