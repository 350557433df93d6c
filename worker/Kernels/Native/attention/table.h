// Powers of two that become bfloat16 numbers, 32 at a time in 16-bit fixed point, with a table of bytes (VBMI).
#pragma once
#include "wide.h"

namespace attention {
namespace {

struct TableBfloat16 : WideBfloat16 {
    // x in 128ths, plus 127 * 128, is the bfloat16 number 2^x in bits but for the curve between powers of two: by so much it is too
    // large, for each two 128ths of the fraction.
    static __m512i curve()
    {
        // 128 (1 + f - 2^f) for f from 0.5 / 128 on
        alignas(64) static constexpr uint8_t table[64] = {
            0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 10, 11, 11, 11, 11, 11,
            11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 10, 10, 10, 10, 9, 9, 9, 8, 8, 8, 7, 7, 6, 6, 5, 5, 4, 3, 3, 2, 1, 1};
        return _mm512_load_si512(table);
    }

    // Adding it rounds to whole numbers, which then stand in the lower bits.
    static constexpr float rounding = 12582912.0f + 127 * 128;

    // The weights of two keys for 16 queries, from their scores in 128ths plus `rounding`.
    static __m512i pair(vec low, vec high, __m512i curve)
    {
        const __m512i fixed = _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_castps_si512(low), _mm512_slli_epi32(_mm512_castps_si512(high), 16));
        return _mm512_sub_epi16(fixed, _mm512_maskz_permutexvar_epi8(0x5555555555555555u, _mm512_srli_epi16(fixed, 1), curve));
    }

    // 2^(score * scale - base), base no smaller than any score * scale, or no score far beyond 0 and base 0: two keys to a word.
    // What is below the normal numbers becomes next to nothing. The sum is one of the same numbers.
    template <int64_t Queries, bool Bounded, bool Summed>
    static void weigh_by_table(const float* scores, uint32_t* words, int64_t there, int64_t filled, vec scale, vec base, vec& sum)
    {
        const __m512i curve = TableBfloat16::curve(), ones = _mm512_set1_epi32(0x3f803f80);
        const vec by = _mm512_mul_ps(scale, set(128)), move = _mm512_fnmadd_ps(base, set(128), set(rounding)), least = set(12582912.0f);
        auto fixed = [&](int64_t k) {
            const vec number = _mm512_fmadd_ps(load(scores + k * Queries), by, move);
            return Bounded ? number : _mm512_max_ps(number, least);
        };
        vec other = set(0);
        int64_t k = 0;
        for (; k + 4 <= there; k += 4) {
            const __m512i first = pair(fixed(k), fixed(k + 1), curve), second = pair(fixed(k + 2), fixed(k + 3), curve);
            _mm512_storeu_si512(words + k / 2 * Queries, first);
            _mm512_storeu_si512(words + (k / 2 + 1) * Queries, second);
            if (Summed) {
                sum = dot(first, ones, sum);
                other = dot(second, ones, other);
            }
        }
        for (; k < there; k += 2) {
            const __m512i one = pair(fixed(k), k + 1 < there ? fixed(k + 1) : set(12582912.0f), curve);
            _mm512_storeu_si512(words + k / 2 * Queries, one);
            if (Summed) {
                sum = dot(one, ones, sum);
            }
        }
        for (; k < filled; k += 2) {
            _mm512_storeu_si512(words + k / 2 * Queries, _mm512_setzero_si512());
        }
        if (Summed) {
            sum = _mm512_add_ps(sum, other);
        }
    }
};

}  // namespace
}  // namespace attention
