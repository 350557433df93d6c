// The loops again in AVX-512, by hand: compilers make several times slower code of the activations.
#pragma once
#include "pointwise.h"
#include <immintrin.h>

namespace pointwise {
namespace {

using vec = __m512;
constexpr int64_t lanes = 16;

inline __mmask16 first(int64_t count) { return static_cast<__mmask16>(count >= lanes ? 0xffffu : (1u << count) - 1u); }

inline vec load(const float* x, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, x); }

inline vec load(const uint16_t* x, __mmask16 mask)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, x)), 16));
}

inline vec load(const Half* x, __mmask16 mask) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x)); }

inline void store(float* y, __mmask16 mask, vec value) { _mm512_mask_storeu_ps(y, mask, value); }

// Rounded to the nearest, halves to the even one; NaN stays NaN.
inline void store(uint16_t* y, __mmask16 mask, vec value)
{
    const __m512i bits = _mm512_castps_si512(value), high = _mm512_srli_epi32(bits, 16);
    __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), _mm512_and_si512(high, _mm512_set1_epi32(1)));
    rounded = _mm512_mask_or_epi32(_mm512_srli_epi32(rounded, 16), _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), high, _mm512_set1_epi32(0x40));
    _mm256_mask_storeu_epi16(y, mask, _mm512_cvtepi32_epi16(rounded));
}

inline vec set(float value) { return _mm512_set1_ps(value); }

// e^x within 2e-7; x is cut to what float32 can hold.
inline vec exponential(vec x)
{
    const vec scaled = _mm512_min_ps(_mm512_max_ps(_mm512_mul_ps(x, set(1.44269504088896341f)), set(-126)), set(127));
    // adding 1.5 * 2^23 rounds to the nearest whole number
    const vec shifted = _mm512_add_ps(scaled, set(12582912)), part = _mm512_sub_ps(scaled, _mm512_sub_ps(shifted, set(12582912)));
    vec p = _mm512_fmadd_ps(set(0.00015337570960934711f), part, set(0.0013399860296137152f));
    p = _mm512_fmadd_ps(p, part, set(0.00961851955623828f));
    p = _mm512_fmadd_ps(p, part, set(0.055503289977287554f));
    p = _mm512_fmadd_ps(p, part, set(0.2402264660851011f));
    p = _mm512_fmadd_ps(p, part, set(0.6931472056003763f));
    p = _mm512_fmadd_ps(p, part, set(1.0000000005920497f));
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
}

// 1 / x within one unit in the last place, for 1 <= x.
inline vec inverse(vec x)
{
    vec y = _mm512_rcp14_ps(x);
    y = _mm512_fmadd_ps(_mm512_fnmadd_ps(x, y, set(1)), y, y);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(x, y, set(1)), y, y);
}

inline vec silu(vec x) { return _mm512_mul_ps(x, inverse(_mm512_add_ps(set(1), exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))))); }

// x times the normal distribution's share below x; the error function after Abramowitz and Stegun, 7.1.26 (within 2e-7).
inline vec gelu(vec x)
{
    const vec z = _mm512_mul_ps(_mm512_abs_ps(x), set(0.70710678118654752f));
    const vec t = inverse(_mm512_fmadd_ps(set(0.3275911f), z, set(1)));
    vec p = _mm512_fmadd_ps(set(1.061405429f), t, set(-1.453152027f));
    p = _mm512_fmadd_ps(p, t, set(1.421413741f));
    p = _mm512_fmadd_ps(p, t, set(-0.284496736f));
    p = _mm512_fmadd_ps(p, t, set(0.254829592f));
    const vec tail = _mm512_mul_ps(_mm512_mul_ps(_mm512_mul_ps(set(0.5f), p), t), exponential(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_mul_ps(z, z))));
    const __mmask16 above = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLT_UQ);
    return _mm512_mul_ps(x, _mm512_mask_sub_ps(tail, above, set(1), tail));
}

template <class E>
void sum_rows_of(const E* x, int64_t rows, int64_t channels, double* sums, double* squares)
{
    constexpr int64_t wide = 4, depth = 64;
    for (int64_t c0 = 0; c0 < channels; c0 += wide * lanes) {
        __mmask16 mask[wide];
        for (int64_t w = 0; w < wide; w++) {
            const int64_t left = channels - c0 - w * lanes;
            mask[w] = left > 0 ? first(left) : 0;
        }
        for (int64_t r0 = 0; r0 < rows; r0 += depth) {
            const int64_t end = r0 + depth < rows ? r0 + depth : rows;
            vec sum[wide], square[wide];
            for (int64_t w = 0; w < wide; w++) {
                sum[w] = square[w] = _mm512_setzero_ps();
            }
            for (int64_t r = r0; r < end; r++) {
                for (int64_t w = 0; w < wide; w++) {
                    const vec value = load(x + r * channels + c0 + w * lanes, mask[w]);
                    sum[w] = _mm512_add_ps(sum[w], value);
                    square[w] = _mm512_fmadd_ps(value, value, square[w]);
                }
            }
            for (int64_t w = 0; w < wide; w++) {
                alignas(64) float low[lanes], high[lanes];
                _mm512_store_ps(low, sum[w]);
                _mm512_store_ps(high, square[w]);
                for (int64_t c = c0 + w * lanes; c < channels && c < c0 + (w + 1) * lanes; c++) {
                    sums[c] += low[c - c0 - w * lanes];
                    squares[c] += high[c - c0 - w * lanes];
                }
            }
        }
    }
}

template <class E>
void scale_rows_of(const E* x, E* y, int64_t rows, int64_t channels, const float* scale, const float* shift, bool activate)
{
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < channels; c += lanes) {
            const __mmask16 mask = first(channels - c);
            const vec value = _mm512_fmadd_ps(load(x + r * channels + c, mask), load(scale + c, mask), load(shift + c, mask));
            store(y + r * channels + c, mask, activate ? silu(value) : value);
        }
    }
}

template <class E>
void scale_run_of(const E* x, E* y, int64_t count, float scale, float shift, bool activate)
{
    const vec by = set(scale), move = set(shift);
    for (int64_t i = 0; i < count; i += lanes) {
        const __mmask16 mask = first(count - i);
        const vec value = _mm512_fmadd_ps(load(x + i, mask), by, move);
        store(y + i, mask, activate ? silu(value) : value);
    }
}

template <class E>
void geglu_of(const E* x, E* y, int64_t rows, int64_t size)
{
    for (int64_t r = 0; r < rows; r++) {
        const E* value = x + r * 2 * size;
        for (int64_t c = 0; c < size; c += lanes) {
            const __mmask16 mask = first(size - c);
            store(y + r * size + c, mask, _mm512_mul_ps(load(value + c, mask), gelu(load(value + size + c, mask))));
        }
    }
}

// Two passes over a row, which the first brings into the nearest cache: no large sums are subtracted from each other.
template <class E>
void layer_norm_of(const E* x, E* y, int64_t rows, int64_t size, const float* gain, const float* offset, double eps)
{
    for (int64_t r = 0; r < rows; r++) {
        const E* from = x + r * size;
        vec sum = _mm512_setzero_ps(), other = sum;
        int64_t i = 0;
        for (; i + 2 * lanes <= size; i += 2 * lanes) {
            sum = _mm512_add_ps(sum, load(from + i, 0xffff));
            other = _mm512_add_ps(other, load(from + i + lanes, 0xffff));
        }
        for (; i < size; i += lanes) {
            sum = _mm512_add_ps(sum, load(from + i, first(size - i)));
        }
        const vec mean = set(_mm512_reduce_add_ps(_mm512_add_ps(sum, other)) / static_cast<float>(size));
        vec square = _mm512_setzero_ps(), second = square;
        for (i = 0; i + 2 * lanes <= size; i += 2 * lanes) {
            const vec a = _mm512_sub_ps(load(from + i, 0xffff), mean), b = _mm512_sub_ps(load(from + i + lanes, 0xffff), mean);
            square = _mm512_fmadd_ps(a, a, square);
            second = _mm512_fmadd_ps(b, b, second);
        }
        for (; i < size; i += lanes) {
            const vec off = _mm512_maskz_sub_ps(first(size - i), load(from + i, first(size - i)), mean);
            square = _mm512_fmadd_ps(off, off, square);
        }
        const double variance = _mm512_reduce_add_ps(_mm512_add_ps(square, second)) / static_cast<double>(size);
        const vec by = set(static_cast<float>(1.0 / __builtin_sqrt(variance + eps)));
        for (i = 0; i < size; i += lanes) {
            const __mmask16 mask = first(size - i);
            const vec normed = _mm512_mul_ps(_mm512_sub_ps(load(from + i, mask), mean), by);
            const vec factor = gain != nullptr ? load(gain + i, mask) : set(1), added = offset != nullptr ? load(offset + i, mask) : set(0);
            store(y + r * size + i, mask, _mm512_fmadd_ps(normed, factor, added));
        }
    }
}

// Past the caches: what is converted here is larger than they are.
inline void stream(float* y, vec value) { _mm512_stream_ps(y, value); }

inline void stream(uint16_t* y, vec value)
{
    alignas(32) uint16_t narrow[lanes];
    store(narrow, 0xffff, value);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(y), _mm256_load_si256(reinterpret_cast<const __m256i*>(narrow)));
}

template <class From, class To>
void convert_of(const From* from, To* to, int64_t count)
{
    int64_t i = 0;
    if (reinterpret_cast<uintptr_t>(to) % 64 == 0) {
        for (; i + lanes <= count; i += lanes) {
            stream(to + i, load(from + i, 0xffff));
        }
        _mm_sfence();
    }
    for (; i < count; i += lanes) {
        const __mmask16 mask = first(count - i);
        store(to + i, mask, load(from + i, mask));
    }
}

}  // namespace
}  // namespace pointwise
