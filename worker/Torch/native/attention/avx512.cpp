// float32 sums on AVX-512; bfloat16 is widened when it is packed.
#include "attention.h"
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include "avx512.h"

namespace attention {
namespace {

struct Avx512 : Wide {
    static constexpr bool bounded = false;
    using packed = __m512;
    using word = float;
    using cell = float;
    static constexpr int64_t per_word = 1, queries = 64, keys = 64, size_step = 1, row_step = 1, key_step = 1;

    static packed load_packed(const word* from) { return _mm512_loadu_ps(from); }
    static packed broadcast(const word* from) { return _mm512_set1_ps(*from); }
    static vec dot(packed a, packed b, vec c) { return _mm512_fmadd_ps(a, b, c); }

    static void weigh(const float* scores, cell* weights, int64_t v, int64_t there, int64_t, vec scale, vec base, vec& sum)
    {
        for (int64_t k = 0; k < there; k++) {
            vec p = exp2(_mm512_fmsub_ps(load(scores + k * queries), scale, base));
            sum = _mm512_add_ps(sum, p);
            store(weights + k * queries + v * width, p);
        }
    }

    static void block(const word* a, int64_t stride, int64_t rows, int64_t words, const word* b, float* c, bool accumulate)
    {
        strips<Avx512>(a, stride, rows, words, b, c, accumulate);
    }
};

}  // namespace

const Kernel* avx512()
{
    static const Kernel kernel = Frame<Avx512>::kernel("avx512");
    return &kernel;
}

}  // namespace attention
#else
namespace attention {
const Kernel* avx512() { return nullptr; }
}  // namespace attention
#endif
