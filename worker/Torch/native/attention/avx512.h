// Vectors of 16 floats, and what all AVX-512 kernels share.
#pragma once
#include "kernel.h"
#include <immintrin.h>

namespace attention {
namespace {

struct Wide {
    using vec = __m512;
    static constexpr int64_t width = 16;

    static void start() {}
    static void stop() {}
    static vec set(float value) { return _mm512_set1_ps(value); }
    static vec load(const float* from) { return _mm512_loadu_ps(from); }
    static void store(float* to, vec value) { _mm512_storeu_ps(to, value); }
    static vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
    static vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
    static vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
    static vec div(vec a, vec b) { return _mm512_div_ps(a, b); }
    static vec max(vec a, vec b) { return _mm512_max_ps(a, b); }
    static bool differ(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ) != 0; }

    // 2^x for x <= 0, within 1e-7; anything below the normal numbers, and NaN, counts as 2^-126.
    static vec exp2(vec x)
    {
        x = _mm512_max_ps(x, set(-126));
        vec whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        vec part = _mm512_sub_ps(x, whole);
        vec p = set(0.0013399860296137152f);
        p = _mm512_fmadd_ps(set(0.00015337570960934711f), part, p);
        p = _mm512_fmadd_ps(p, part, set(0.00961851955623828f));
        p = _mm512_fmadd_ps(p, part, set(0.055503289977287554f));
        p = _mm512_fmadd_ps(p, part, set(0.2402264660851011f));
        p = _mm512_fmadd_ps(p, part, set(0.6931472056003763f));
        p = _mm512_fmadd_ps(p, part, set(1.0000000005920497f));
        return _mm512_scalef_ps(p, whole);
    }
};

#if defined(__AVX512BF16__)
// bfloat16 products, float32 sums, weights rounded to bfloat16.
struct WideBfloat16 : Wide {
    using packed = __m512i;
    using word = uint32_t;
    using cell = uint16_t;
    static constexpr int64_t per_word = 2;

    static packed load_packed(const word* from) { return _mm512_loadu_si512(from); }
    static packed broadcast(const word* from) { return _mm512_set1_epi32(static_cast<int32_t>(*from)); }
    static vec dot(packed a, packed b, vec c) { return _mm512_dpbf16_ps(c, (__m512bh)a, (__m512bh)b); }

    // 2^x within 1e-4, finer than the bfloat16 that it becomes.
    static vec rough_exp2(vec x)
    {
        x = _mm512_max_ps(x, set(-126));
        vec part = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
        vec p = _mm512_fmadd_ps(set(0.07790716377294706f), part, set(0.2262331942011662f));
        p = _mm512_fmadd_ps(p, part, set(0.6957770964269735f));
        p = _mm512_fmadd_ps(p, part, set(0.9999278266445343f));
        return _mm512_scalef_ps(p, x);
    }

    // Weights of one vector of queries, two keys to a word.
    template <int64_t Queries>
    static void weigh_pairs(const float* scores, cell* weights, int64_t v, int64_t there, int64_t filled, vec scale, vec base, vec& sum)
    {
        uint32_t* words = reinterpret_cast<uint32_t*>(weights) + v * width;
        // the odd 16-bit places take the second key's weights
        const __m512i places = _mm512_set_epi16(
            31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
        vec other = set(0);
        int64_t k = 0;
        for (; k + 2 <= there; k += 2) {
            vec low = rough_exp2(_mm512_fmsub_ps(load(scores + k * Queries), scale, base));
            vec high = rough_exp2(_mm512_fmsub_ps(load(scores + (k + 1) * Queries), scale, base));
            sum = _mm512_add_ps(sum, low);
            other = _mm512_add_ps(other, high);
            __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
            _mm512_storeu_si512(words + k / 2 * Queries, _mm512_permutexvar_epi16(places, both));
        }
        if (k < there) {
            vec low = rough_exp2(_mm512_fmsub_ps(load(scores + k * Queries), scale, base));
            sum = _mm512_add_ps(sum, low);
            __m512i both = (__m512i)_mm512_cvtne2ps_pbh(set(0), low);
            _mm512_storeu_si512(words + k / 2 * Queries, _mm512_permutexvar_epi16(places, both));
            k += 2;
        }
        for (; k < filled; k += 2) {
            _mm512_storeu_si512(words + k / 2 * Queries, _mm512_setzero_si512());
        }
        sum = _mm512_add_ps(sum, other);
    }
};
#endif

}  // namespace
}  // namespace attention
