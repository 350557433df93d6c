using System.Diagnostics.CodeAnalysis;
using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Version of the libtorch in use, for example 1.13.1.</summary>
    public static unsafe string __version__ => Native.Text(Native.gt_version());

    /// <summary>Opens a scope that owns the tensors this thread makes until it is disposed.</summary>
    public static DisposeScope NewDisposeScope() => new();

    public static DisposeScope? CurrentDisposeScope => DisposeScope.Current;

    /// <summary>Until disposed, this thread records no gradients.</summary>
    public static IDisposable no_grad() => new GradMode(enabled: false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    public static bool is_grad_enabled() => Native.gt_is_grad_enabled() != 0;

    /// <summary>Until disposed, tensors made by this thread carry nothing for gradients: the fastest mode.</summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static bool is_inference_mode_enabled() => Native.gt_is_inference_mode() != 0;

    /// <summary>Threads within one operation.</summary>
    public static void set_num_threads(int num)
    {
        if (Native.gt_set_num_threads(num) == 0)
        {
            Native.Throw();
        }
    }

    public static int get_num_threads() => Native.gt_get_num_threads();

    public static void set_num_interop_threads(int num)
    {
        if (Native.gt_set_num_interop_threads(num) == 0)
        {
            Native.Throw();
        }
    }

    public static int get_num_interop_threads() => Native.gt_get_num_interop_threads();

    private sealed class GradMode(bool enabled) : IDisposable
    {
        private readonly bool _before = Native.gt_set_grad_enabled(enabled ? 1 : 0) != 0;

        public void Dispose() => _ = Native.gt_set_grad_enabled(_before ? 1 : 0);
    }

    [SuppressMessage("Reliability", "CA2216", Justification = "a guard that is not disposed must not be ended by another thread")]
    private sealed unsafe class InferenceMode(bool enabled) : IDisposable
    {
        private void* _guard = Native.gt_inference_mode(enabled ? 1 : 0);

        public void Dispose()
        {
            void* guard = _guard;
            _guard = null;
            Native.gt_inference_mode_end(guard);
        }
    }
}
