#include "peak.h"
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace peak {

// The instruction is written out, so that the compiler neither joins equal sums nor keeps them in memory.
#define SUM(n) __m256 a##n = _mm256_setzero_ps();
#define ADD(n) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(a##n) : "v"(b));
#define ALL(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)

static void run(int64_t rounds)
{
    const __m256 b = _mm256_set1_ps(1);
    ALL(SUM)
    for (int64_t i = 0; i < rounds; i++) {
        ALL(ADD)
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
