#include "peak.h"
#include <immintrin.h>

namespace peak {

// The instruction is written out, so that the compiler neither joins equal sums nor keeps them in memory.
#define SUM(n) __m512 a##n = _mm512_setzero_ps();
#define ADD(n) __asm__ volatile("vdpbf16ps %1, %1, %0" : "+v"(a##n) : "v"(b));
#define ALL(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15) f(16) f(17) f(18) f(19) f(20) f(21) f(22) f(23)

static void run(int64_t rounds)
{
    const __m512i b = _mm512_set1_epi16(0x3f80);
    ALL(SUM)
    for (int64_t i = 0; i < rounds; i++) {
        ALL(ADD)
    }
}

const Loop avx512_bf16{24 * 16 * 2 * 2, run};

}  // namespace peak
