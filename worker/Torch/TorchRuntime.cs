using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Generation.Kernels;
using static TorchSharp.torch;

namespace Generation.Torch;

/// <summary>
/// How this process uses libtorch: its memory, the instructions that it may use, and its threads, which our kernels share. Settings that
/// libtorch reads only once, when it is loaded, are set by <see cref="Start"/>; assemblies that use tensors call it first.
/// </summary>
public static partial class TorchRuntime
{
    private static readonly Lock s_lock = new();
    private static bool s_started;
    private static long s_freed;

    /// <summary>The number of threads of one operation.</summary>
    public static int Threads
    {
        get => get_num_threads();
        // OpenMP keeps the number for each thread that calls it
        set
        {
            Start();
            set_num_threads(value);
            ThreadTeam.Threads = value;
        }
    }

    /// <summary>A line for people about what computes: libtorch's version, threads, and the instructions of our own kernels.</summary>
    public static string Describe() =>
        $"{Processor.Vectors switch
    {
        InstructionSet.Avx512 => "AVX-512 in C#",
        InstructionSet.Avx2 => "AVX2 in C#",
        _ => "libtorch's alone",
    }}; {NativeKernels.Sentence} libtorch {__version__}, {Threads} {(Threads == 1 ? "thread" : "threads")}.";

    /// <summary>Prepares this process for libtorch and loads it. Further calls do nothing.</summary>
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "CA2255",
        Justification = "libtorch reads its settings when the first tensor is made, whoever makes it"
    )]
    public static void Start()
    {
        lock (s_lock)
        {
            if (s_started)
            {
                return;
            }

            s_started = true;
            if (OperatingSystem.IsLinux())
            {
                KeepMemory();
                BoundInstructions();
            }

            InitializeDeviceType(TorchSharp.DeviceType.CPU);
            ThreadTeam.UseOpenMp();
            if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null)
            {
                set_num_threads(AllottedCores.Count());
            }

            ThreadTeam.Threads = get_num_threads();
        }
    }

    /// <summary>
    /// Gives freed memory back to the system. Tensors of a run have the same sizes again and again, so freed memory is kept for the next
    /// ones until this is called.
    /// </summary>
    /// <param name="keep">How many bytes may be kept for the next run; where no more than that is free, nothing is given back.</param>
    public static void ReleaseMemory(long keep = 0)
    {
        if (OperatingSystem.IsLinux() && mallinfo2().Free > (nuint)keep)
        {
            _ = malloc_trim((nuint)keep);
        }
    }

    /// <summary>
    /// Reports that long-lived tensors were freed. Their memory is given back to the system whenever enough of it has accumulated.
    /// </summary>
    public static void ReleaseFreed(long bytes)
    {
        const long Enough = 256 << 20;
        if (Interlocked.Add(ref s_freed, bytes) >= Enough)
        {
            Interlocked.Exchange(ref s_freed, 0);
            ReleaseMemory();
        }
    }

    /// <summary>
    /// Gives the whole pages within these bytes of a file's private mapping back to the system; whoever reads them again gets what is in
    /// the file.
    /// </summary>
    public static void ReleaseMapped(nint start, long bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        const int DontNeed = 4;
        nint page = Environment.SystemPageSize;
        nint from = (start + page - 1) / page * page,
            to = (start + (nint)bytes) / page * page;
        if (to > from)
        {
            _ = madvise(from, (nuint)(to - from), DontNeed);
        }
    }

    // By default the C library maps each large tensor anew and gives it back at once: the kernel then clears the pages of every result
    // of every layer. With one heap for all threads that is not trimmed, in huge pages where the system allows, they stay.
    private static void KeepMemory()
    {
        const int TrimThreshold = -1,
            TopPad = -2,
            MapMax = -4,
            ArenaMax = -8;
        _ = mallopt(ArenaMax, 1);
        _ = mallopt(MapMax, 0);
        _ = mallopt(TopPad, 256 << 20);
        _ = mallopt(TrimThreshold, int.MaxValue);
        _ = setenv("THP_MEM_ALLOC_ENABLE", "1", 0);
    }

    // GENERATION_MAX_ISA bounds our own kernels; the libraries inside libtorch have a name of their own for the same.
    private static void BoundInstructions()
    {
        (string Aten, string OneDnn, string Mkl)? bounds = Processor.Allowed switch
        {
            InstructionSet.Baseline => ("default", "SSE41", "SSE4_2"),
            InstructionSet.Avx2 => ("avx2", "AVX2", "AVX2"),
            InstructionSet.Avx512 => ("avx512", "AVX512_CORE", "AVX512"),
            InstructionSet.Avx512Bf16 => ("avx512", "AVX512_CORE_BF16", "AVX512"),
            _ => null,
        };
        if (bounds is { } to)
        {
            // libtorch uses what it is told even where the processor has not got it
            _ = setenv("ATEN_CPU_CAPABILITY", to.Aten == "avx512" && !Processor.HasAvx512 ? "default" : to.Aten, 0);
            _ = setenv("ONEDNN_MAX_CPU_ISA", to.OneDnn, 0);
            _ = setenv("MKL_ENABLE_INSTRUCTIONS", to.Mkl, 0);
        }
    }

    // .NET's own Environment.SetEnvironmentVariable is not seen by native code
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int madvise(nint start, nuint bytes, int advice);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int malloc_trim(nuint pad);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial MallocState mallinfo2();

    // struct mallinfo2: ten numbers, of which the ninth counts the free bytes
    [StructLayout(LayoutKind.Sequential, Size = 10 * 8)]
    private readonly struct MallocState
    {
        private readonly nuint _arena,
            _freeChunks,
            _fastChunks,
            _maps,
            _mapped,
            _usable,
            _fast,
            _used;

        public readonly nuint Free;
    }
}
