using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/random.cpp: generators.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_generator(ulong seed, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_default_generator();

    [DllImport(Library)]
    internal static extern void gt_generator_free(nint generator);

    [DllImport(Library)]
    internal static extern int gt_generator_manual_seed(nint generator, ulong seed);

    [DllImport(Library)]
    internal static extern ulong gt_generator_initial_seed(nint generator);

    [DllImport(Library)]
    internal static extern ulong gt_generator_seed(nint generator);

    [DllImport(Library)]
    internal static extern nint gt_generator_get_state(nint generator);

    [DllImport(Library)]
    internal static extern int gt_generator_set_state(nint generator, nint state);

    [DllImport(Library)]
    internal static extern nint gt_randn(Longs size, nint generator, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_rand(Longs size, nint generator, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_randint(long low, long high, Longs size, nint generator, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_randperm(long n, nint generator, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_randn_like(nint a, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern nint gt_rand_like(nint a, int dtype, int deviceType, int deviceIndex);

    [DllImport(Library)]
    internal static extern int gt_normal_(nint a, double mean, double std, nint generator);

    [DllImport(Library)]
    internal static extern int gt_uniform_(nint a, double from, double to, nint generator);

    [DllImport(Library)]
    internal static extern nint gt_multinomial(nint a, long samples, int replacement, nint generator);
}
