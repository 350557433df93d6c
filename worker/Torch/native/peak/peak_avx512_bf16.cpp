#include "peak.h"
#if defined(__AVX512BF16__)
#include <immintrin.h>

namespace peak {

static void run(int64_t rounds)
{
    __m512 a[24];
    for (__m512& x : a) {
        x = _mm512_setzero_ps();
    }
    __m512bh b = (__m512bh)_mm512_set1_epi16(0x3f80);
    for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 24
        for (int j = 0; j < 24; j++) {
            a[j] = _mm512_dpbf16_ps(a[j], b, b);
            // equal sums must not become one
            __asm__ volatile("" : "+v"(a[j]));
        }
    }
}

const Loop* avx512_bf16()
{
    static const Loop loop{24 * 16 * 2 * 2, run};
    return &loop;
}

}  // namespace peak
#else
namespace peak {
const Loop* avx512_bf16() { return nullptr; }
}  // namespace peak
#endif
