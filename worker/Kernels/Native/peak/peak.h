// The processor's own speed: loops of nothing but multiply-adds in registers, the measure that kernels are held against.
#pragma once
#include <cstdint>

namespace peak {

// Operations (a multiply-add counts twice) of one round of a loop over `rounds`; each runs in one thread.
struct Loop {
    double operations;
    void (*run)(int64_t rounds);
};

extern const Loop avx512_bf16, amx_bf16;

}  // namespace peak
