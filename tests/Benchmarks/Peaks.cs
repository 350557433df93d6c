using Generation.Torch;

namespace Generation.Benchmarks;

/// <summary>Operations a second (a multiply-add counts twice) that this machine reaches over all threads, measured in this run.</summary>
internal sealed record Peaks(double Float32, double VectorBfloat16, double TileBfloat16)
{
    /// <summary>The fastest way to multiply bfloat16 numbers; without one of its own, float32's.</summary>
    public double Bfloat16 => Math.Max(TileBfloat16, Math.Max(VectorBfloat16, Float32));

    /// <summary>The fastest convolution in bfloat16 that this run saw.</summary>
    public double Convolution { get; set; }

    public static Peaks Measure() => new(NativeBenchmark.Peak(PeakKind.Float32), NativeBenchmark.Peak(PeakKind.VectorBfloat16), NativeBenchmark.Peak(PeakKind.TileBfloat16));
}
