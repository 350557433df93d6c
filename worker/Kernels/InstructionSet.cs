namespace Generation.Kernels;

/// <summary>Families of processor instructions that kernels are written for, each holding the ones before it.</summary>
public enum InstructionSet
{
    /// <summary>What every x86-64 processor has, and every other architecture: no kernel of ours.</summary>
    Baseline,

    /// <summary>AVX2 with fused multiply-add: eight float32 numbers an instruction.</summary>
    Avx2,

    /// <summary>AVX-512 (F, BW, DQ, VL): sixteen float32 numbers an instruction.</summary>
    Avx512,

    /// <summary>AVX-512 with products of bfloat16 pairs.</summary>
    Avx512Bf16,

    /// <summary>AMX: products of bfloat16 tiles of sixteen rows.</summary>
    AmxBf16,
}
