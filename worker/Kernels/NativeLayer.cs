using System.Runtime.InteropServices;

namespace Generation.Kernels;

/// <summary>A layer's packed weights and bias, in memory that the native library owns.</summary>
internal sealed unsafe class NativeLayer : SafeHandle
{
    public NativeLayer()
        : base(0, ownsHandle: true) { }

    public override bool IsInvalid => handle == 0;

    /// <summary>Packs a layer. Null where there is no kernel for this shape.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for the packed weights.</exception>
    public static NativeLayer? TryPack(
        in NativeMethods.LayerShape shape,
        void* weight,
        void* bias,
        Element biasElement,
        InstructionSet instructions
    )
    {
        if (BytesFor(shape, instructions) == 0)
        {
            return null;
        }

        float[] widened = new float[bias == null ? 0 : shape.Outputs];
        for (int i = 0; i < widened.Length; i++)
        {
            widened[i] =
                biasElement == Element.Float32 ? ((float*)bias)[i] : BitConverter.UInt32BitsToSingle((uint)((ushort*)bias)[i] << 16);
        }

        NativeLayer layer;
        fixed (float* start = widened)
        {
            layer = NativeMethods.gk_layer_pack(shape, (ushort*)weight, start, NativeMethods.Team.Whole, instructions);
        }

        if (layer.IsInvalid)
        {
            NoMemory.Throw($"the weights of a layer of {shape.Outputs} outputs and {shape.Features} features");
        }

        return layer;
    }

    /// <summary>The size of the packed layer in bytes; 0 where there is no kernel for this shape.</summary>
    public static long BytesFor(in NativeMethods.LayerShape shape, InstructionSet instructions) =>
        instructions == InstructionSet.Baseline || instructions > NativeKernels.Instructions
            ? 0
            : NativeMethods.gk_layer_bytes(shape, instructions);

    public void Run(void* x, void* result, void* added, long batch, long height, long width)
    {
        var task = new NativeMethods.LayerTask
        {
            Source = x,
            Output = result,
            Added = added,
            Batch = batch,
            Height = height,
            Width = width,
        };
        if (NativeMethods.gk_layer_run(this, task, NativeMethods.Team.Whole) != NativeMethods.Result.Done)
        {
            NoMemory.Throw("a layer's sums");
        }
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.gk_layer_free(handle);
        return true;
    }
}
