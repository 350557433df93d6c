#include "peak.h"
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace peak {

static void run(int64_t rounds)
{
    __m256 a[12];
    for (__m256& x : a) {
        x = _mm256_setzero_ps();
    }
    __m256 b = _mm256_set1_ps(1);
    for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (int j = 0; j < 12; j++) {
            a[j] = _mm256_fmadd_ps(b, b, a[j]);
            // equal sums must not become one
            __asm__ volatile("" : "+x"(a[j]));
        }
    }
}

const Loop* avx2()
{
    static const Loop loop{12 * 8 * 2, run};
    return &loop;
}

}  // namespace peak
#else
namespace peak {
const Loop* avx2() { return nullptr; }
}  // namespace peak
#endif
