// float32 sums on AVX2 and FMA; bfloat16 is widened when it is packed.
#include "attention.h"
#if defined(__AVX2__) && defined(__FMA__)
#include "kernel.h"
#include <immintrin.h>

namespace attention {
namespace {

struct Avx2 {
    static constexpr bool bounded = false;
    using vec = __m256;
    using packed = __m256;
    using word = float;
    using cell = float;
    static constexpr int64_t width = 8, per_word = 1, queries = 16, keys = 128, size_step = 1, row_step = 1, key_step = 1;

    static void start() {}
    static void stop() {}
    static vec set(float value) { return _mm256_set1_ps(value); }
    static vec load(const float* from) { return _mm256_loadu_ps(from); }
    static void store(float* to, vec value) { _mm256_storeu_ps(to, value); }
    static vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
    static vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
    static vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
    static vec div(vec a, vec b) { return _mm256_div_ps(a, b); }
    static vec max(vec a, vec b) { return _mm256_max_ps(a, b); }
    static bool differ(vec a, vec b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NEQ_UQ)) != 0; }
    static packed load_packed(const word* from) { return _mm256_loadu_ps(from); }
    static packed broadcast(const word* from) { return _mm256_broadcast_ss(from); }
    static vec dot(packed a, packed b, vec c) { return _mm256_fmadd_ps(a, b, c); }

    // 2^x for x <= 0, within 1e-7; anything below the normal numbers, and NaN, counts as 2^-126.
    static vec exp2(vec x)
    {
        x = _mm256_max_ps(x, set(-126));
        vec whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        vec part = _mm256_sub_ps(x, whole);
        vec p = set(0.0013399860296137152f);
        p = _mm256_fmadd_ps(set(0.00015337570960934711f), part, p);
        p = _mm256_fmadd_ps(p, part, set(0.00961851955623828f));
        p = _mm256_fmadd_ps(p, part, set(0.055503289977287554f));
        p = _mm256_fmadd_ps(p, part, set(0.2402264660851011f));
        p = _mm256_fmadd_ps(p, part, set(0.6931472056003763f));
        p = _mm256_fmadd_ps(p, part, set(1.0000000005920497f));
        __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
        return _mm256_mul_ps(p, _mm256_castsi256_ps(exponent));
    }

    static void weigh(const float* scores, cell* weights, int64_t v, int64_t there, int64_t, vec scale, vec base, vec& sum)
    {
        for (int64_t k = 0; k < there; k++) {
            vec p = exp2(_mm256_fmsub_ps(load(scores + k * queries), scale, base));
            sum = _mm256_add_ps(sum, p);
            store(weights + k * queries + v * width, p);
        }
    }

    static void block(const word* a, int64_t stride, int64_t rows, int64_t words, const word* b, float* c, bool accumulate)
    {
        strips<Avx2>(a, stride, rows, words, b, c, accumulate);
    }
};

}  // namespace

const Kernel* avx2()
{
    static const Kernel kernel = Frame<Avx2>::kernel("avx2");
    return &kernel;
}

}  // namespace attention
#else
namespace attention {
const Kernel* avx2() { return nullptr; }
}  // namespace attention
#endif
