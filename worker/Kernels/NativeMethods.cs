using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]

namespace Generation.Kernels;

/// <summary>The functions of Native/generation_kernels.h.</summary>
internal static unsafe partial class NativeMethods
{
    public const string Library = "generation_kernels";
    public const int Version = 1;

    /// <summary>The result codes of calls.</summary>
    public enum Result
    {
        Done,
        NotTaken,
        NoMemory,
    }

    [LibraryImport(Library)]
    public static partial int gk_version();

    [LibraryImport(Library)]
    public static partial InstructionSet gk_instructions(InstructionSet most);

    [LibraryImport(Library)]
    public static partial Result gk_attention_run(in Attention task, in Team team, InstructionSet instructions);

    [LibraryImport(Library)]
    public static partial long gk_layer_bytes(in LayerShape shape, InstructionSet instructions);

    [LibraryImport(Library)]
    public static partial NativeLayer gk_layer_pack(
        in LayerShape shape,
        ushort* weight,
        float* bias,
        in Team team,
        InstructionSet instructions
    );

    [LibraryImport(Library)]
    public static partial void gk_layer_free(nint layer);

    [LibraryImport(Library)]
    public static partial Result gk_layer_run(NativeLayer layer, in LayerTask task, in Team team);

    [LibraryImport(Library)]
    public static partial double gk_peak_run(long rounds, in Team team, InstructionSet instructions);

    /// <summary>The threads of a call: libtorch's own or, where there are none, .NET's pool.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Team
    {
        private readonly nint _parallel;
        private readonly long _threads;

        private Team(nint parallel, long threads)
        {
            _parallel = parallel;
            _threads = threads;
        }

        public static Team Whole => new(ThreadTeam.Parallel != 0 ? ThreadTeam.Parallel : (nint)Pool, ThreadTeam.Threads);

        private static delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void> Pool => &RunOnPool;

        // called as GOMP_parallel is
        [UnmanagedCallersOnly]
        private static void RunOnPool(delegate* unmanaged<nint, void> body, nint data, uint threads, uint flags) =>
            Parallel.For(0, (int)threads, _ => body(data));
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Attention
    {
        public void* Query;
        public void* Key;
        public void* Value;
        public void* Output;
        public AttentionStrides QueryStrides;
        public AttentionStrides KeyStrides;
        public AttentionStrides ValueStrides;
        public AttentionStrides OutputStrides;
        public float* Mask;
        public AttentionStrides MaskStrides;
        public long MaskColumn;
        public long Batch;
        public long Heads;
        public long Length;
        public long Keys;
        public long Size;
        public float Scale;
        public int IsCausal;
    }

    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct LayerShape(long Outputs, long Features, long Side, long Gated);

    [StructLayout(LayoutKind.Sequential)]
    public struct LayerTask
    {
        public void* Source;
        public void* Output;
        public void* Added;
        public long Batch;
        public long Height;
        public long Width;
    }
}

/// <summary>Throws the runtime's exception where the native library's own memory runs out, because callers handle both alike.</summary>
internal static class NoMemory
{
    [DoesNotReturn]
#pragma warning disable CA2201, MA0012 // the runtime's exception is meant
    public static void Throw(string what) => throw new OutOfMemoryException($"there is no memory for {what}");
#pragma warning restore CA2201, MA0012
}
