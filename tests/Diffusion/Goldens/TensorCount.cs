using Generation.Torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>The number of live tensors, for a test that compares it before and after a call.</summary>
public static class TensorCount
{
    /// <summary>The count once every tensor that earlier tests left to the finalizer is gone: none of them goes during the call.</summary>
    public static long Settled()
    {
        // A tensor that only a finalizable object reaches goes in the second round
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return TorchExtras.LiveTensors;
    }
}
