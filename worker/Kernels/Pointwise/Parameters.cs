using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>Reads a norm's weights and biases, one number per channel, in the type in which the model stores them.</summary>
internal static unsafe class Parameters
{
    /// <summary>Reads number <paramref name="index"/> of an array, or <paramref name="otherwise"/> where there is none (null).</summary>
    public static float Read(void* array, Element element, long index, float otherwise) =>
        array is null ? otherwise
        : element == Element.BFloat16 ? BitConverter.UInt32BitsToSingle((uint)((ushort*)array)[index] << 16)
        : ((float*)array)[index];

    /// <summary>
    /// Writes <paramref name="count"/> numbers of an array as float32, or <paramref name="otherwise"/> as many times, followed by zeros up
    /// to whole vectors.
    /// </summary>
    public static void Widen(void* array, Element element, long count, float otherwise, float* to)
    {
        for (long i = 0; i < NativeArray.RoundUp(count); i++)
        {
            to[i] = i < count ? Read(array, element, i, otherwise) : 0;
        }
    }
}
