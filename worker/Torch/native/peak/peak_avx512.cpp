#include "peak.h"
#if defined(__AVX512F__)
#include <immintrin.h>

namespace peak {

static void run(int64_t rounds)
{
    __m512 a[24];
    for (__m512& x : a) {
        x = _mm512_setzero_ps();
    }
    __m512 b = _mm512_set1_ps(1);
    for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 24
        for (int j = 0; j < 24; j++) {
            a[j] = _mm512_fmadd_ps(b, b, a[j]);
            // equal sums must not become one
            __asm__ volatile("" : "+v"(a[j]));
        }
    }
}

const Loop* avx512()
{
    static const Loop loop{24 * 16 * 2, run};
    return &loop;
}

}  // namespace peak
#else
namespace peak {
const Loop* avx512() { return nullptr; }
}  // namespace peak
#endif
