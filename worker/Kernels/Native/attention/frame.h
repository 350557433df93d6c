// The frame of every kernel. A machine type M gives the instructions:
//   vec, width           a vector of floats
//   queries, keys        sizes of a block; queries is a multiple of width
//   size_step, row_step, key_step  the paddings that the packed operands need, in elements
//   block(...)           c[rows][queries] (+)= a[rows][words] x b[words][queries], two bfloat16 numbers to a word
//   stays_small, score_small  for scores that cannot be large
// Everything has internal linkage: each file is compiled for other instructions.
#pragma once
#include "attention.h"
#include <cstring>
#include <immintrin.h>
#include <limits>

namespace attention {
namespace {

// A number of bfloat16, and two of them, of neighbouring rows or columns.
using cell = uint16_t;
using word = uint32_t;
constexpr int64_t per_word = 2;

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

// Rows and columns of numbers that one transpose takes.
constexpr int64_t block_side = 8;

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
    static constexpr int64_t W = M::width;
    static constexpr int64_t Q = M::queries;
    static constexpr int64_t B = M::keys;
    static constexpr int64_t V = Q / W;
    static constexpr int64_t pack_chunk = 512, line = 64;

    static int64_t padded_size(const Task& t) { return up(t.size, M::size_step); }
    // rows of the transposed values
    static int64_t padded_rows(const Task& t) { return up(t.size, M::row_step); }
    static int64_t padded_keys(const Task& t) { return up(t.keys, M::key_step); }
    // From one row of transposed values to the next: an odd number of cache lines, or rows would contend for the same places.
    static int64_t value_stride(const Task& t)
    {
        constexpr int64_t cells = line / static_cast<int64_t>(sizeof(cell));
        const int64_t lines = (padded_keys(t) + cells - 1) / cells;
        return padded_keys(t) >= 8 * cells ? (lines | 1) * cells : padded_keys(t);
    }

    static int64_t head_bytes(const Task& t)
    {
        const int64_t bytes = (padded_keys(t) * padded_size(t) + value_stride(t) * padded_rows(t)) * static_cast<int64_t>(sizeof(cell));
        return up(bytes, line) + line;
    }

    // Behind the heads stand the largest squared lengths of a key, one for each unit of packing.
    static int64_t packed_bytes(const Task& t) { return t.batch * t.heads * head_bytes(t) + pack_units(t) * static_cast<int64_t>(sizeof(float)); }

    static float* lengths_of(const Task& t, char* packed) { return reinterpret_cast<float*>(keys_of(t, packed, t.batch * t.heads)); }

    static int64_t chunks(const Task& t) { return (padded_keys(t) + pack_chunk - 1) / pack_chunk; }

    // Whether a row of ones stands below the values, whose product with the weights is their sum.
    static bool sums_itself(const Task& t) { return padded_rows(t) > t.size; }

    static cell* keys_of(const Task& t, char* packed, int64_t head) { return reinterpret_cast<cell*>(packed + head * head_bytes(t)); }

    static cell* values_of(const Task& t, char* packed, int64_t head) { return keys_of(t, packed, head) + padded_keys(t) * padded_size(t); }

    static int64_t pack_units(const Task& t) { return t.batch * t.heads * chunks(t); }

    static void pack(const Task& t, char* packed, Units::Share share)
    {
        for (int64_t unit = share.next(); unit >= 0; unit = share.next()) {
            // head after head of the same rows, which stand beside each other in memory
            pack_one(t, packed, unit / (t.heads * chunks(t)) * t.heads + unit % t.heads, unit / t.heads % chunks(t));
        }
    }

    // Some keys and values of one head.
    static void pack_one(const Task& t, char* packed, int64_t head, int64_t chunk)
    {
        const int64_t padded = padded_keys(t), stride = value_stride(t), size = padded_size(t), rows = padded_rows(t), first = chunk * pack_chunk;
        const int64_t last = first + pack_chunk < padded ? first + pack_chunk : padded, filled = last < t.keys ? last : t.keys;
        const cell* key = t.key + head / t.heads * t.key_batch + head % t.heads * t.key_head;
        const cell* value = t.value + head / t.heads * t.value_batch + head % t.heads * t.value_head;
        cell* keys = keys_of(t, packed, head);
        cell* values = values_of(t, packed, head);
        lengths_of(t, packed)[head * chunks(t) + chunk] = M::copy_rows(key + first * t.key_row, t.key_row, t.size, filled - first, keys + first * size, size);
        std::memset(keys + filled * size, 0, static_cast<size_t>((last - filled) * size) * sizeof(cell));
        // values transposed, block by block where a whole block is there
        const int64_t whole = t.size / block_side * block_side, even = first + (filled - first) / block_side * block_side;
        for (int64_t k = first; k < even; k += block_side) {
            for (int64_t d = 0; d < whole; d += block_side) {
                transpose(value + k * t.value_row + d, t.value_row, values + d * stride + k, stride);
            }
        }
        for (int64_t d = 0; d < rows; d++) {
            for (int64_t k = d < whole ? even : first; k < last; k++) {
                const bool there = k < filled && d < t.size;
                values[d * stride + k] = there ? value[k * t.value_row + d] : d == t.size ? M::one : cell(0);
            }
        }
    }

    static int64_t query_blocks(const Task& t) { return (t.length + Q - 1) / Q; }
    static int64_t run_units(const Task& t) { return t.batch * t.heads * query_blocks(t); }

    // Words of the queries, one row a word of the size, one column a query.
    static void pack_queries(const Task& t, const cell* query, int64_t count, cell* packed)
    {
        const int64_t size = padded_size(t);
        if (count < Q || t.size < size) {
            std::memset(packed, 0, static_cast<size_t>(size * Q) * sizeof(cell));
        }
        int64_t q = 0;
        // 4 queries by 4 words at a time
        for (; q + 4 <= count; q += 4) {
            const cell* row = query + q * t.query_row;
            int64_t d = 0;
            for (; d + 4 * per_word <= t.size && t.query_row % per_word == 0; d += 4 * per_word) {
                transpose(
                    reinterpret_cast<const word*>(row + d), t.query_row / per_word, reinterpret_cast<word*>(packed) + d / per_word * Q + q, Q);
            }
            for (; d < t.size; d++) {
                for (int64_t i = 0; i < 4; i++) {
                    packed[(d / per_word * Q + q + i) * per_word + d % per_word] = row[i * t.query_row + d];
                }
            }
        }
        for (; q < count; q++) {
            const cell* row = query + q * t.query_row;
            for (int64_t d = 0; d < t.size; d++) {
                packed[(d / per_word * Q + q) * per_word + d % per_word] = row[d];
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
                if (t.causal != 0 && key + k > query + q) {
                    score = -std::numeric_limits<float>::infinity();
                }
                row[q] = score;
            }
        }
    }

    // What one thread computes in.
    struct Place {
        float* scores;
        cell* weights;
        cell* queries;
        float* sums;
        // four rows of results
        float* rows;

        Place(const Task& t, char* scratch)
        {
            scores = reinterpret_cast<float*>(scratch);
            weights = reinterpret_cast<cell*>(scratch + scores_bytes);
            queries = reinterpret_cast<cell*>(scratch + 2 * scores_bytes);
            sums = reinterpret_cast<float*>(scratch + 2 * scores_bytes + queries_bytes(t));
            rows = sums + padded_rows(t) * Q;
        }

        static constexpr int64_t scores_bytes = 4 * B * Q;
        static int64_t queries_bytes(const Task& t) { return up(2 * padded_size(t) * Q, line); }
    };

    static int64_t scratch_bytes(const Task& t) { return 2 * Place::scores_bytes + Place::queries_bytes(t) + 4 * padded_rows(t) * (Q + 4); }

    // The largest squared length of a head's keys; NaN where one has no number.
    static float longest_key(const Task& t, char* packed, int64_t head)
    {
        const float* lengths = lengths_of(t, packed) + head * chunks(t);
        float longest = lengths[0];
        for (int64_t i = 1; i < chunks(t); i++) {
            longest = lengths[i] <= longest ? longest : lengths[i];
        }
        return longest;
    }

    // No score of these queries can be large: the weights need no running maximum, and nothing is ever scaled again.
    static void run_bounded(const Task& t, const cell* keys, const cell* values, const Place& place, float factor, vec* total)
    {
        const int64_t stride = value_stride(t), size = padded_size(t), rows = padded_rows(t);
        const bool summed = sums_itself(t);
        for (int64_t v = 0; v < V; v++) {
            total[v] = M::set(0);
        }
        for (int64_t k0 = 0; k0 < t.keys; k0 += B) {
            const int64_t there = k0 + B < t.keys ? B : t.keys - k0, filled = up(there, M::key_step);
            M::score_small(
                reinterpret_cast<const word*>(keys + k0 * size), size / per_word, there, filled, reinterpret_cast<const word*>(place.queries), place.scores,
                place.weights, factor, summed ? nullptr : total);
            M::block(
                reinterpret_cast<const word*>(values + k0), stride / per_word, rows, filled / per_word, reinterpret_cast<const word*>(place.weights), place.sums, k0 != 0);
        }
        for (int64_t v = 0; summed && v < V; v++) {
            total[v] = M::load(place.sums + t.size * Q + v * W);
        }
    }

    // By blocks of keys with running maxima and sums.
    static void run_shifted(
        const Task& t, int64_t batch, int64_t head, int64_t first, int64_t count, const cell* keys, const cell* values, const Place& place, float factor,
        vec* total)
    {
        const int64_t stride = value_stride(t), size = padded_size(t), rows = padded_rows(t);
        const bool masked = t.mask != nullptr || t.causal != 0;
        float* scores = place.scores;
        float* sums = place.sums;
        const vec scaled = M::set(masked ? 1.0f : factor);
        vec top[V];
        for (int64_t v = 0; v < V; v++) {
            top[v] = M::set(-std::numeric_limits<float>::infinity());
            total[v] = M::set(0);
        }
        const int64_t end_key = t.causal != 0 && first + Q < t.keys ? first + Q : t.keys;
        for (int64_t k0 = 0; k0 < end_key; k0 += B) {
            const int64_t there = k0 + B < t.keys ? B : t.keys - k0, filled = up(there, M::key_step);
            M::block(
                reinterpret_cast<const word*>(keys + k0 * size), size / per_word, filled, size / per_word, reinterpret_cast<const word*>(place.queries), scores,
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
                M::weigh(scores + v * W, place.weights, v, there, filled, scaled, base, sum);
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
                reinterpret_cast<const word*>(values + k0), stride / per_word, rows, filled / per_word, reinterpret_cast<const word*>(place.weights), sums, k0 != 0);
        }
    }

    static void run(const Task& t, char* packed, char* scratch, Units::Share share)
    {
        const FlushesToZero flushes;
        M::start();
        const Place place(t, scratch);
        for (int64_t unit = share.next(); unit >= 0; unit = share.next()) {
            run_one(t, packed, place, unit / query_blocks(t), unit % query_blocks(t) * Q);
        }
        M::stop();
    }

    // A block of queries of one head.
    static void run_one(const Task& t, char* packed, const Place& place, int64_t both, int64_t first)
    {
        constexpr float log2e = 1.44269504088896341f;
        const int64_t batch = both / t.heads, head = both % t.heads, count = first + Q < t.length ? Q : t.length - first;
        const float factor = t.scale * log2e;
        pack_queries(t, t.query + batch * t.query_batch + head * t.query_head + first * t.query_row, count, place.queries);
        const cell* keys = keys_of(t, packed, both);
        const cell* values = values_of(t, packed, both);
        vec total[V];
        if (t.mask == nullptr && t.causal == 0 && M::stays_small(place.queries, padded_size(t) / per_word, longest_key(t, packed, both), factor)) {
            run_bounded(t, keys, values, place, factor, total);
        } else {
            run_shifted(t, batch, head, first, count, keys, values, place, factor, total);
        }
        for (int64_t v = 0; v < V; v++) {
            const vec inverse = M::div(M::set(1), total[v]);
            for (int64_t d = 0; d < t.size; d++) {
                float* sum = place.sums + d * Q + v * W;
                M::store(sum, M::mul(M::load(sum), inverse));
            }
        }
        store_rows(t, place, count, t.out + batch * t.out_batch + head * t.out_head + first * t.out_row);
    }

    // The sums, one column a query, as rows of results.
    static void store_rows(const Task& t, const Place& place, int64_t count, cell* out)
    {
        const int64_t rows = padded_rows(t);
        for (int64_t q = 0; q < count; q += 4) {
            int64_t d = 0;
            for (; d + 4 <= t.size; d += 4) {
                transpose(
                    reinterpret_cast<const word*>(place.sums + d * Q + q), Q, reinterpret_cast<word*>(place.rows + d), rows);
            }
            const int64_t several = q + 4 < count ? 4 : count - q;
            for (int64_t i = 0; i < several; i++) {
                for (int64_t rest = d; rest < t.size; rest++) {
                    place.rows[i * rows + rest] = place.sums[rest * Q + q + i];
                }
                M::narrow_row(place.rows + i * rows, out + (q + i) * t.out_row, t.size);
            }
        }
    }

    static constexpr Kernel kernel{packed_bytes, pack_units, pack, scratch_bytes, run_units, run};
};

// c[rows][queries] (+)= a[rows][words] x b[words][queries] in registers, R rows and all columns at a time.
template <class M, int R>
inline void strip(const word* a, int64_t stride, int64_t words, const word* b, float* c, bool accumulate)
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
inline void strips(const word* a, int64_t stride, int64_t rows, int64_t words, const word* b, float* c, bool accumulate)
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
