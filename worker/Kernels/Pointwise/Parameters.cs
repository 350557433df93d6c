using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>A norm's weights and biases, a number a channel, in the model's own type.</summary>
internal static unsafe class Parameters
{
    /// <summary>Number <paramref name="index"/> of an array, or <paramref name="otherwise"/> where there is none (null).</summary>
    public static float Read(void* array, Element element, long index, float otherwise) =>
        array is null ? otherwise
        : element == Element.BFloat16 ? BitConverter.UInt32BitsToSingle((uint)((ushort*)array)[index] << 16)
        : ((float*)array)[index];

    /// <summary>
    /// Writes <paramref name="count"/> numbers of an array as float32, or as many times <paramref name="otherwise"/>, and zeros after them
    /// up to whole vectors.
    /// </summary>
    public static void Widen(void* array, Element element, long count, float otherwise, float* to)
    {
        for (long i = 0; i < NativeArray.RoundUp(count); i++)
        {
            to[i] = i < count ? Read(array, element, i, otherwise) : 0;
        }
    }
}
