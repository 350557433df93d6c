// The frame of every kernel. A machine type M gives the instructions:
//   vec, width           a vector of floats
//   word                 what one broadcast of the left operand holds: a float, or two bfloat16
//   per_word             elements in a word
//   queries, keys        sizes of a block; queries is a multiple of width
//   size_step, key_step  the paddings that the packed operands need, in elements
//   bounded              whether it has longest, stays_small and score_small, for scores that cannot be large, and narrow_row
//   block(...)           c[rows][queries] (+)= a[rows][words] x b[words][queries]
// Everything has internal linkage: each file is compiled for other instructions.
#pragma once
#include "attention.h"
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <limits>
#include <type_traits>

namespace attention {
namespace {

inline float widen(uint16_t bits)
{
    uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
}

inline uint16_t narrow(float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, quiet = (bits >> 16) | 0x40u;
    return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

// Transposes a block of 4 x 4 words of 32 bits, or 8 x 8 of 16; strides in words. (SSE2 is in every x86-64.)
inline void transpose(const uint32_t* from, int64_t from_row, uint32_t* to, int64_t to_row)
{
    __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + from_row)),
            c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * from_row)), d = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 3 * from_row));
    __m128i ab = _mm_unpacklo_epi32(a, b), cd = _mm_unpacklo_epi32(c, d), above = _mm_unpackhi_epi32(a, b), beyond = _mm_unpackhi_epi32(c, d);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi64(ab, cd));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + to_row), _mm_unpackhi_epi64(ab, cd));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 2 * to_row), _mm_unpacklo_epi64(above, beyond));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 3 * to_row), _mm_unpackhi_epi64(above, beyond));
}

inline void transpose(const uint16_t* from, int64_t from_row, uint16_t* to, int64_t to_row)
{
    __m128i r[8], s[8];
    for (int i = 0; i < 8; i++) {
        r[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i * from_row));
    }
    for (int i = 0; i < 4; i++) {
        s[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        s[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
    for (int half = 0; half < 2; half++) {
        __m128i low = _mm_unpacklo_epi32(s[half], s[2 + half]), high = _mm_unpackhi_epi32(s[half], s[2 + half]);
        __m128i low2 = _mm_unpacklo_epi32(s[4 + half], s[6 + half]), high2 = _mm_unpackhi_epi32(s[4 + half], s[6 + half]);
        uint16_t* at = to + 4 * half * to_row;
        _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm_unpacklo_epi64(low, low2));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(at + to_row), _mm_unpackhi_epi64(low, low2));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(at + 2 * to_row), _mm_unpacklo_epi64(high, high2));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(at + 3 * to_row), _mm_unpackhi_epi64(high, high2));
    }
}

inline void transpose(const float* from, int64_t from_row, float* to, int64_t to_row)
{
    transpose(reinterpret_cast<const uint32_t*>(from), from_row, reinterpret_cast<uint32_t*>(to), to_row);
}

// Rows and columns that one transpose takes.
template <class E>
constexpr int64_t block_side = sizeof(E) == 2 ? 8 : 4;

inline int64_t up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// Weights next to nothing count as nothing while this lives: numbers below the normal ones cost a hundred times the others.
class FlushesToZero {
public:
    FlushesToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
    ~FlushesToZero() { _mm_setcsr(before_); }
    FlushesToZero(const FlushesToZero&) = delete;
    FlushesToZero& operator=(const FlushesToZero&) = delete;

private:
    unsigned before_;
};

template <class M>
struct Frame {
    using vec = typename M::vec;
    using word = typename M::word;
    // elements as they are packed: floats, or bfloat16 where two make a word
    using cell = typename M::cell;
    static constexpr int64_t W = M::width;
    static constexpr int64_t Q = M::queries;
    static constexpr int64_t B = M::keys;
    static constexpr int64_t V = Q / W;
    static constexpr int64_t pack_chunk = 512;

    static int64_t padded_size(const Task& t) { return up(t.size, M::size_step); }
    // rows of the transposed values
    static int64_t padded_rows(const Task& t) { return up(t.size, M::row_step); }
    static int64_t padded_keys(const Task& t) { return up(t.keys, M::key_step); }
    // From one row of transposed values to the next: an odd number of cache lines, or rows would contend for the same places.
    static int64_t value_stride(const Task& t)
    {
        constexpr int64_t line = 64 / static_cast<int64_t>(sizeof(cell));
        const int64_t lines = (padded_keys(t) + line - 1) / line;
        return padded_keys(t) >= 8 * line ? (lines | 1) * line : padded_keys(t);
    }

    static int64_t head_bytes(const Task& t)
    {
        int64_t bytes = (padded_keys(t) * padded_size(t) + value_stride(t) * padded_rows(t)) * static_cast<int64_t>(sizeof(cell));
        return up(bytes, 64) + 64;
    }

    // Behind the heads stand the largest squared lengths of a key, one for each unit of packing.
    static int64_t packed_bytes(const Task& t) { return t.batch * t.heads * head_bytes(t) + 128 + pack_units(t) * static_cast<int64_t>(sizeof(float)); }

    static float* lengths_of(const Task& t) { return reinterpret_cast<float*>(keys_of(t, t.batch * t.heads)); }

    static int64_t chunks(const Task& t) { return (padded_keys(t) + pack_chunk - 1) / pack_chunk; }

    // Whether a row of ones stands below the values, whose product with the weights is their sum.
    static bool sums_itself(const Task& t)
    {
        if constexpr (M::bounded) {
            return padded_rows(t) > t.size;
        }
        return false;
    }

    static cell* keys_of(const Task& t, int64_t head)
    {
        uintptr_t start = (reinterpret_cast<uintptr_t>(t.packed) + 63) / 64 * 64;
        return reinterpret_cast<cell*>(start + static_cast<uintptr_t>(head * head_bytes(t)));
    }

    static cell* values_of(const Task& t, int64_t head) { return keys_of(t, head) + padded_keys(t) * padded_size(t); }

    static int64_t pack_units(const Task& t) { return t.batch * t.heads * chunks(t); }

    template <class E>
    static cell convert(E element)
    {
        if constexpr (std::is_same_v<E, cell>) {
            return element;
        } else {
            return widen(element);
        }
    }

    template <class E>
    static void pack_elements(const Task& t, int64_t begin, int64_t end)
    {
        const int64_t padded = padded_keys(t), stride = value_stride(t), size = padded_size(t), rows = padded_rows(t);
        for (int64_t unit = begin; unit < end; unit++) {
            // head after head of the same rows, which stand beside each other in memory
            const int64_t chunk = unit / t.heads % chunks(t), head = unit / (t.heads * chunks(t)) * t.heads + unit % t.heads, first = chunk * pack_chunk;
            const int64_t last = first + pack_chunk < padded ? first + pack_chunk : padded;
            const int64_t filled = last < t.keys ? last : t.keys;
            const E* key = static_cast<const E*>(t.key) + head / t.heads * t.key_batch + head % t.heads * t.key_head;
            const E* value = static_cast<const E*>(t.value) + head / t.heads * t.value_batch + head % t.heads * t.value_head;
            cell* keys = keys_of(t, head);
            cell* values = values_of(t, head);
            if constexpr (M::bounded) {
                lengths_of(t)[head * chunks(t) + chunk] = M::copy_rows(key + first * t.key_row, t.key_row, t.size, filled - first, keys + first * size, size);
                std::memset(keys + filled * size, 0, static_cast<size_t>(last - filled) * static_cast<size_t>(size) * sizeof(cell));
            } else {
                for (int64_t k = first; k < last; k++) {
                    cell* row = keys + k * size;
                    int64_t copied = k < filled ? t.size : 0;
                    for (int64_t d = 0; d < copied; d++) {
                        row[d] = convert(key[k * t.key_row + d]);
                    }
                    for (int64_t d = copied; d < size; d++) {
                        row[d] = cell(0);
                    }
                }
            }
            // values transposed, block by block where a whole block is there
            constexpr int64_t side = block_side<E>;
            const int64_t whole = std::is_same_v<E, cell> ? t.size / side * side : 0, even = first + (filled - first) / side * side;
            if constexpr (std::is_same_v<E, cell>) {
                for (int64_t k = first; k < even; k += side) {
                    for (int64_t d = 0; d < whole; d += side) {
                        transpose(value + k * t.value_row + d, t.value_row, values + d * stride + k, stride);
                    }
                }
            }
            for (int64_t d = 0; d < whole; d++) {
                for (int64_t k = even; k < last; k++) {
                    values[d * stride + k] = k < filled ? convert(value[k * t.value_row + d]) : cell(0);
                }
            }
            for (int64_t d = whole; d < rows; d++) {
                for (int64_t k = first; k < filled && d < t.size; k++) {
                    values[d * stride + k] = convert(value[k * t.value_row + d]);
                }
                const int64_t empty = d < t.size ? filled : first;
                std::memset(values + d * stride + empty, 0, static_cast<size_t>(last - empty) * sizeof(cell));
            }
            if constexpr (M::bounded) {
                for (int64_t k = first; sums_itself(t) && k < last; k++) {
                    values[t.size * stride + k] = M::one;
                }
            }
        }
    }

    static void pack(const Task& t, int64_t begin, int64_t end)
    {
        if (t.element == Element::bfloat16) {
            pack_elements<uint16_t>(t, begin, end);
        } else if constexpr (std::is_same_v<cell, float>) {
            pack_elements<float>(t, begin, end);
        }
    }

    static int64_t query_blocks(const Task& t) { return (t.length + Q - 1) / Q; }
    static int64_t run_units(const Task& t) { return t.batch * t.heads * query_blocks(t); }

    // Words of the queries, one row a word of the size, one column a query.
    template <class E>
    static void pack_queries(const Task& t, const E* query, int64_t count, cell* packed)
    {
        constexpr int64_t per = M::per_word;
        const int64_t size = padded_size(t);
        if (count < Q || t.size < size) {
            std::memset(packed, 0, static_cast<size_t>(size * Q) * sizeof(cell));
        }
        int64_t q = 0;
        if constexpr (std::is_same_v<E, cell>) {
            // 4 queries by 4 words at a time
            for (; q + 4 <= count; q += 4) {
                const E* row = query + q * t.query_row;
                int64_t d = 0;
                for (; d + 4 * per <= t.size && t.query_row % per == 0; d += 4 * per) {
                    transpose(
                        reinterpret_cast<const uint32_t*>(row + d), t.query_row / per, reinterpret_cast<uint32_t*>(packed) + d / per * Q + q, Q);
                }
                for (; d < t.size; d++) {
                    for (int64_t i = 0; i < 4; i++) {
                        packed[(d / per * Q + q + i) * per + d % per] = row[i * t.query_row + d];
                    }
                }
            }
        }
        for (; q < count; q++) {
            const E* row = query + q * t.query_row;
            for (int64_t d = 0; d < t.size; d++) {
                packed[(d / per * Q + q) * per + d % per] = convert(row[d]);
            }
        }
    }

    static void add_mask(const Task& t, int64_t batch, int64_t head, int64_t query, int64_t count, int64_t key, int64_t keys, float* scores, float factor)
    {
        constexpr float log2e = 1.44269504088896341f;
        const float* mask = t.mask == nullptr ? nullptr : t.mask + batch * t.mask_batch + head * t.mask_head;
        for (int64_t k = 0; k < keys; k++) {
            float* row = scores + k * Q;
            for (int64_t q = 0; q < count; q++) {
                float score = row[q] * factor;
                if (mask != nullptr) {
                    score += mask[(query + q) * t.mask_row + (key + k) * t.mask_column] * log2e;
                }
                if (t.causal && key + k > query + q) {
                    score = -std::numeric_limits<float>::infinity();
                }
                row[q] = score;
            }
        }
    }

    struct Scratch {
        float* scores;
        cell* weights;
        cell* queries;
        float* sums;
        // four rows of results
        float* rows;
        Scratch(const Task& t)
        {
            size_t scores_bytes = sizeof(float) * static_cast<size_t>(B * Q), queries_bytes = sizeof(cell) * static_cast<size_t>(padded_size(t) * Q),
                   sums_bytes = sizeof(float) * static_cast<size_t>(padded_rows(t) * Q), rows_bytes = sizeof(float) * static_cast<size_t>(padded_rows(t) * 4);
            memory_ = static_cast<char*>(std::aligned_alloc(64, (2 * scores_bytes + queries_bytes + sums_bytes + rows_bytes + 4 * 64) / 64 * 64));
            scores = reinterpret_cast<float*>(memory_);
            // where weights are floats they take the scores' place
            weights = std::is_same_v<cell, float> ? reinterpret_cast<cell*>(scores) : reinterpret_cast<cell*>(memory_ + scores_bytes);
            queries = reinterpret_cast<cell*>(memory_ + 2 * scores_bytes);
            sums = reinterpret_cast<float*>(memory_ + 2 * scores_bytes + up(static_cast<int64_t>(queries_bytes), 64));
            rows = sums + padded_rows(t) * Q;
        }
        ~Scratch() { std::free(memory_); }
        Scratch(const Scratch&) = delete;
        Scratch& operator=(const Scratch&) = delete;

    private:
        char* memory_;
    };

    // The largest squared length of a head's keys; NaN where one has no number.
    static float longest_key(const Task& t, int64_t head)
    {
        const float* lengths = lengths_of(t) + head * chunks(t);
        float longest = lengths[0];
        for (int64_t i = 1; i < chunks(t); i++) {
            longest = lengths[i] <= longest ? longest : lengths[i];
        }
        return longest;
    }

    // No score of these queries can be large: the weights need no running maximum, and nothing is ever scaled again.
    static void run_bounded(const Task& t, const cell* keys, const cell* values, const Scratch& scratch, float factor, vec* total)
    {
        constexpr int64_t per = M::per_word;
        const int64_t stride = value_stride(t), size = padded_size(t), rows = padded_rows(t);
        const bool summed = sums_itself(t);
        for (int64_t v = 0; v < V; v++) {
            total[v] = M::set(0);
        }
        for (int64_t k0 = 0; k0 < t.keys; k0 += B) {
            const int64_t there = k0 + B < t.keys ? B : t.keys - k0, filled = up(there, M::key_step);
            M::score_small(
                reinterpret_cast<const word*>(keys + k0 * size), size / per, there, filled, reinterpret_cast<const word*>(scratch.queries), scratch.scores,
                scratch.weights, factor, summed ? nullptr : total);
            M::block(
                reinterpret_cast<const word*>(values + k0), stride / per, rows, filled / per, reinterpret_cast<const word*>(scratch.weights), scratch.sums, k0 != 0);
        }
        for (int64_t v = 0; summed && v < V; v++) {
            total[v] = M::load(scratch.sums + t.size * Q + v * W);
        }
    }

    // By blocks of keys with running maxima and sums.
    static void run_shifted(
        const Task& t, int64_t batch, int64_t head, int64_t first, int64_t count, const cell* keys, const cell* values, const Scratch& scratch, float factor,
        vec* total)
    {
        constexpr int64_t per = M::per_word;
        const int64_t stride = value_stride(t), size = padded_size(t), rows = padded_rows(t);
        const bool masked = t.mask != nullptr || t.causal;
        float* scores = scratch.scores;
        float* sums = scratch.sums;
        const vec scaled = M::set(masked ? 1.0f : factor);
        vec top[V];
        for (int64_t v = 0; v < V; v++) {
            top[v] = M::set(-std::numeric_limits<float>::infinity());
            total[v] = M::set(0);
        }
        const int64_t end_key = t.causal && first + Q < t.keys ? first + Q : t.keys;
        for (int64_t k0 = 0; k0 < end_key; k0 += B) {
            const int64_t there = k0 + B < t.keys ? B : t.keys - k0, filled = up(there, M::key_step);
            M::block(
                reinterpret_cast<const word*>(keys + k0 * size), size / per, filled, size / per, reinterpret_cast<const word*>(scratch.queries), scores,
                false);
            if (masked) {
                add_mask(t, batch, head, first, count, k0, there, scores, factor);
            }
            vec shift[V];
            bool moved = false;
            for (int64_t v = 0; v < V; v++) {
                // four chains, since one would wait for each comparison before the next
                vec highest = top[v], second = highest, third = highest, fourth = highest;
                const float* column = scores + v * W;
                int64_t k = 0;
                for (; k + 4 <= there; k += 4) {
                    highest = M::max(highest, M::load(column + k * Q));
                    second = M::max(second, M::load(column + (k + 1) * Q));
                    third = M::max(third, M::load(column + (k + 2) * Q));
                    fourth = M::max(fourth, M::load(column + (k + 3) * Q));
                }
                for (; k < there; k++) {
                    highest = M::max(highest, M::load(column + k * Q));
                }
                highest = M::max(M::max(highest, second), M::max(third, fourth));
                shift[v] = M::exp2(M::mul(M::sub(top[v], highest), scaled));
                moved = moved || M::differ(top[v], highest);
                top[v] = highest;
            }
            for (int64_t v = 0; v < V; v++) {
                const vec base = M::mul(top[v], scaled);
                vec sum = M::set(0);
                M::weigh(scores + v * W, scratch.weights, v, there, filled, scaled, base, sum);
                total[v] = M::add(M::mul(total[v], shift[v]), sum);
            }
            if (k0 != 0 && moved) {
                for (int64_t d = 0; d < rows; d++) {
                    for (int64_t v = 0; v < V; v++) {
                        float* sum = sums + d * Q + v * W;
                        M::store(sum, M::mul(M::load(sum), shift[v]));
                    }
                }
            }
            M::block(
                reinterpret_cast<const word*>(values + k0), stride / per, rows, filled / per, reinterpret_cast<const word*>(scratch.weights), sums, k0 != 0);
        }
    }

    static void run(const Task& t, int64_t begin, int64_t end)
    {
        constexpr float log2e = 1.44269504088896341f;
        constexpr int64_t per = M::per_word;
        const FlushesToZero flushes;
        M::start();
        const int64_t size = padded_size(t), rows = padded_rows(t), blocks = query_blocks(t);
        Scratch scratch(t);
        float* sums = scratch.sums;
        const bool masked = t.mask != nullptr || t.causal;
        const float factor = t.scale * log2e;
        for (int64_t unit = begin; unit < end; unit++) {
            const int64_t both = unit / blocks, batch = both / t.heads, head = both % t.heads;
            const int64_t first = unit % blocks * Q, count = first + Q < t.length ? Q : t.length - first;
            const int64_t query_offset = batch * t.query_batch + head * t.query_head + first * t.query_row;
            if (t.element == Element::bfloat16) {
                pack_queries(t, static_cast<const uint16_t*>(t.query) + query_offset, count, scratch.queries);
            } else if constexpr (std::is_same_v<cell, float>) {
                pack_queries(t, static_cast<const float*>(t.query) + query_offset, count, scratch.queries);
            }
            const cell* keys = keys_of(t, both);
            const cell* values = values_of(t, both);
            vec total[V];
            bool done = false;
            if constexpr (M::bounded) {
                if (!masked && M::stays_small(scratch.queries, size / per, longest_key(t, both), factor)) {
                    run_bounded(t, keys, values, scratch, factor, total);
                    done = true;
                }
            }
            if (!done) {
                run_shifted(t, batch, head, first, count, keys, values, scratch, factor, total);
            }
            for (int64_t v = 0; v < V; v++) {
                const vec inverse = M::div(M::set(1), total[v]);
                for (int64_t d = 0; d < t.size; d++) {
                    float* sum = sums + d * Q + v * W;
                    M::store(sum, M::mul(M::load(sum), inverse));
                }
            }
            const int64_t out_offset = batch * t.out_batch + head * t.out_head + first * t.out_row;
            for (int64_t q = 0; q < count; q += 4) {
                const int64_t several = q + 4 < count ? 4 : count - q;
                float* rows_out = scratch.rows;
                int64_t d = 0;
                for (; d + 4 <= t.size; d += 4) {
                    transpose(sums + d * Q + q, Q, rows_out + d, rows);
                }
                for (; d < t.size; d++) {
                    for (int64_t i = 0; i < several; i++) {
                        rows_out[i * rows + d] = sums[d * Q + q + i];
                    }
                }
                for (int64_t i = 0; i < several; i++) {
                    const int64_t place = out_offset + (q + i) * t.out_row;
                    const float* row = rows_out + i * rows;
                    if (t.element == Element::bfloat16) {
                        uint16_t* out = static_cast<uint16_t*>(t.out) + place;
                        if constexpr (M::bounded) {
                            M::narrow_row(row, out, t.size);
                        } else {
                            for (int64_t c = 0; c < t.size; c++) {
                                out[c] = narrow(row[c]);
                            }
                        }
                    } else {
                        std::memcpy(static_cast<float*>(t.out) + place, row, static_cast<size_t>(t.size) * sizeof(float));
                    }
                }
            }
        }
        M::stop();
    }

    static Kernel kernel(const char* name) { return {name, packed_bytes, pack_units, pack, run_units, run}; }
};

// c[rows][queries] (+)= a[rows][words] x b[words][queries] in registers, R rows and all columns at a time.
template <class M, int R>
inline void strip(const typename M::word* a, int64_t stride, int64_t words, const typename M::word* b, float* c, bool accumulate)
{
    constexpr int64_t Q = M::queries, W = M::width, V = Q / W;
    typename M::vec sum[R][V];
    for (int r = 0; r < R; r++) {
        for (int64_t v = 0; v < V; v++) {
            sum[r][v] = accumulate ? M::load(c + r * Q + v * W) : M::set(0);
        }
    }
    for (int64_t i = 0; i < words; i++) {
        typename M::packed right[V];
        for (int64_t v = 0; v < V; v++) {
            right[v] = M::load_packed(b + i * Q + v * W);
        }
        for (int r = 0; r < R; r++) {
            const typename M::packed left = M::broadcast(a + r * stride + i);
            for (int64_t v = 0; v < V; v++) {
                sum[r][v] = M::dot(left, right[v], sum[r][v]);
            }
        }
    }
    for (int r = 0; r < R; r++) {
        for (int64_t v = 0; v < V; v++) {
            M::store(c + r * Q + v * W, sum[r][v]);
        }
    }
}

template <class M>
inline void strips(const typename M::word* a, int64_t stride, int64_t rows, int64_t words, const typename M::word* b, float* c, bool accumulate)
{
    int64_t r = 0;
    for (; r + 6 <= rows; r += 6) {
        strip<M, 6>(a + r * stride, stride, words, b, c + r * M::queries, accumulate);
    }
    for (; r + 2 <= rows; r += 2) {
        strip<M, 2>(a + r * stride, stride, words, b, c + r * M::queries, accumulate);
    }
    for (; r < rows; r++) {
        strip<M, 1>(a + r * stride, stride, words, b, c + r * M::queries, accumulate);
    }
}

}  // namespace
}  // namespace attention
