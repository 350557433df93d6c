// Vectors of 16 floats with products of bfloat16 pairs: what both kernels share.
#pragma once
#include "frame.h"

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

// bfloat16 products, float32 sums, weights rounded to bfloat16.
struct WideBfloat16 : Wide {
    using packed = __m512i;

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

    static void narrow_row(const float* from, cell* to, int64_t count)
    {
        for (int64_t i = 0; i < count; i += width) {
            const __mmask16 there = count - i >= width ? 0xffffu : static_cast<__mmask16>((1u << (count - i)) - 1);
            _mm256_mask_storeu_epi16(to + i, there, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, from + i)));
        }
    }

    // For scores that are known to be small (stays_small).
    static constexpr cell one = 0x3f80;

    // So many of 32 places, none if fewer.
    static __mmask32 first_of(int64_t count) { return count >= 32 ? 0xffffffffu : count > 0 ? (1u << count) - 1 : 0; }

    // Copies rows and fills them up with zeros; the largest sum of squares of one, NaN where one has no number.
    static float copy_rows(const cell* from, int64_t from_row, int64_t size, int64_t count, cell* to, int64_t to_row)
    {
        float longest = 0;
        for (int64_t r = 0; r < count; r++) {
            vec sum = set(0);
            for (int64_t d = 0; d < to_row; d += 2 * width) {
                const __m512i row = _mm512_maskz_loadu_epi16(first_of(size - d), from + r * from_row + d);
                _mm512_mask_storeu_epi16(to + r * to_row + d, first_of(to_row - d), row);
                sum = dot(row, row, sum);
            }
            const float length = _mm512_reduce_add_ps(sum);
            longest = length <= longest ? longest : length;
        }
        return longest;
    }

    // Whether no score, times factor, can be beyond 60 (Cauchy and Schwarz): its power of two then needs no maximum taken off.
    template <int64_t Queries>
    static bool all_small(const cell* queries, int64_t words, float longest_key, float factor)
    {
        constexpr float limit = 60;
        const uint32_t* rows = reinterpret_cast<const uint32_t*>(queries);
        vec longest = set(0);
        for (int64_t v = 0; v < Queries; v += width) {
            vec sum = set(0);
            for (int64_t w = 0; w < words; w++) {
                const packed row = load_packed(rows + w * Queries + v);
                sum = dot(row, row, sum);
            }
            // the larger, or NaN where the second operand has it
            longest = _mm512_max_ps(longest, sum);
            if (_mm512_cmp_ps_mask(sum, sum, _CMP_UNORD_Q) != 0) {
                return false;
            }
        }
        return _mm512_reduce_max_ps(longest) * longest_key * factor * factor <= limit * limit;
    }

    // 2^(score * factor) by its bits: the number whose exponent and fraction are score * factor in fixed point is 2^x but for the
    // curve between powers of two, which a polynomial of the fraction mends (within 7e-4; it becomes a bfloat16).
    static vec small_exp2(vec score, vec factor)
    {
        const __m512i bits = _mm512_cvtps_epi32(_mm512_fmadd_ps(score, factor, set(127.0f * 8388608.0f)));
        // (bits & fraction) | exponent of 1
        const vec fraction = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bits, _mm512_set1_epi32(0x7fffff), _mm512_set1_epi32(0x3f800000), 0xea));
        vec p = _mm512_fmadd_ps(set(-0.10644622147083282f), fraction, set(0.7074767351150513f));
        p = _mm512_fmadd_ps(p, fraction, set(-1.3773068189620972f));
        p = _mm512_fmadd_ps(p, fraction, set(1.7756133079528809f));
        return _mm512_mul_ps(p, _mm512_castsi512_ps(bits));
    }

    // As weigh_pairs; weights are cut to bfloat16, not rounded, which their sum, taken of the same numbers, makes up for.
    template <int64_t Queries>
    static void weigh_small_pairs(const float* scores, cell* weights, int64_t v, int64_t there, int64_t filled, float factor, vec* total)
    {
        uint32_t* words = reinterpret_cast<uint32_t*>(weights) + v * width;
        const vec by = set(factor * 8388608.0f);
        const __m512i upper = _mm512_set1_epi32(static_cast<int32_t>(0xffff0000));
        vec sum = set(0), other = sum;
        for (int64_t k = 0; k < filled; k += 2) {
            const __m512i low = k < there ? _mm512_srli_epi32(_mm512_castps_si512(small_exp2(load(scores + k * Queries), by)), 16) : _mm512_setzero_si512();
            const __m512i high =
                k + 1 < there ? _mm512_and_si512(_mm512_castps_si512(small_exp2(load(scores + (k + 1) * Queries), by)), upper) : _mm512_setzero_si512();
            _mm512_storeu_si512(words + k / 2 * Queries, _mm512_or_si512(low, high));
            if (total != nullptr) {
                sum = _mm512_add_ps(sum, _mm512_castsi512_ps(_mm512_slli_epi32(low, 16)));
                other = _mm512_add_ps(other, _mm512_castsi512_ps(high));
            }
        }
        if (total != nullptr) {
            *total = _mm512_add_ps(*total, _mm512_add_ps(sum, other));
        }
    }
};

}  // namespace
}  // namespace attention
