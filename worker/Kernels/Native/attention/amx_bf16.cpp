// bfloat16 products on AMX tiles, 32 rows x 32 queries at a time.
#include "table.h"

namespace attention {
namespace {

struct Amx : TableBfloat16 {
    static constexpr int64_t queries = 32, keys = 128, size_step = 32, row_step = 16, key_step = 32, part = 32;

    struct alignas(64) Shape {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };

    static void start()
    {
        static constexpr Shape shape;
        _tile_loadconfig(&shape);
    }

    static void stop() { _tile_release(); }

    static bool stays_small(const cell* packed_queries, int64_t words, float longest_key, float factor)
    {
        return all_small<queries>(packed_queries, words, longest_key, factor);
    }

    static void weigh(const float* scores, cell* weights, int64_t v, int64_t there, int64_t filled, vec scale, vec base, vec& sum)
    {
        weigh_by_table<queries, false, true>(scores, reinterpret_cast<uint32_t*>(weights) + v * width, there, filled, scale, base, sum);
    }

    // The weights of 32 keys, of which so many are there; the others weigh nothing.
    static void weigh_part(const float* scores, uint32_t* weights, int64_t there, float factor, vec* total)
    {
        for (int64_t v = 0; v < queries / width; v++) {
            const float* from = scores + v * width;
            uint32_t* to = weights + v * width;
            vec none = set(0);
            if (total == nullptr) {
                weigh_by_table<queries, true, false>(from, to, there, part, set(factor), set(0), none);
            } else {
                weigh_by_table<queries, true, true>(from, to, there, part, set(factor), set(0), total[v]);
            }
        }
    }

    // Scores of 32 keys of Steps times 32 elements, and between the products of tiles, which leave the vectors idle, the weights of 32
    // others, two keys at a time.
    template <int Steps, bool Summed>
    static void score_and_weigh(const word* rows, const word* packed_queries, float* scores, const float* others, uint32_t* weights, vec by, vec* total)
    {
        constexpr int64_t line = queries * 4, row = Steps * 16, row_line = row * 4;
        constexpr int pairs = part / 2, slots = Steps * 4, each = (pairs + slots - 1) / slots;
        const __m512i curve = TableBfloat16::curve(), ones = _mm512_set1_epi32(0x3f803f80);
        const vec move = set(rounding);
        vec sums[2] = {set(0), set(0)};
        auto fixed = [&](const float* from) __attribute__((always_inline)) { return _mm512_fmadd_ps(load(from), by, move); };
        auto weigh = [&](int slot) __attribute__((always_inline)) {
            for (int i = slot * each; i < pairs && i < (slot + 1) * each; i++) {
                const float* from = others + i * 2 * queries;
                const __m512i first = pair(fixed(from), fixed(from + queries), curve), second = pair(fixed(from + width), fixed(from + queries + width), curve);
                _mm512_storeu_si512(weights + i * queries, first);
                _mm512_storeu_si512(weights + i * queries + width, second);
                if (Summed) {
                    sums[0] = dot(first, ones, sums[0]);
                    sums[1] = dot(second, ones, sums[1]);
                }
                // stays between the products
                __asm__ volatile("" ::: "memory");
            }
        };
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
#pragma GCC unroll 8
        for (int i = 0; i < Steps; i++) {
            _tile_loadd(4, rows + i * 16, row_line);
            _tile_loadd(6, packed_queries + i * 16 * queries, line);
            _tile_dpbf16ps(0, 4, 6);
            weigh(i * 4);
            _tile_loadd(7, packed_queries + i * 16 * queries + 16, line);
            _tile_dpbf16ps(1, 4, 7);
            weigh(i * 4 + 1);
            _tile_loadd(5, rows + 16 * row + i * 16, row_line);
            _tile_dpbf16ps(2, 5, 6);
            weigh(i * 4 + 2);
            _tile_dpbf16ps(3, 5, 7);
            weigh(i * 4 + 3);
        }
        _tile_stored(0, scores, line);
        _tile_stored(1, scores + 16, line);
        _tile_stored(2, scores + 16 * queries, line);
        _tile_stored(3, scores + 16 * queries + 16, line);
        if (Summed) {
            total[0] = _mm512_add_ps(total[0], sums[0]);
            total[1] = _mm512_add_ps(total[1], sums[1]);
        }
    }

    template <bool Summed>
    static bool score_and_weigh(int64_t words, const word* rows, const word* packed_queries, float* scores, const float* others, uint32_t* weights, vec by, vec* total)
    {
        switch (words) {
            case 16: score_and_weigh<1, Summed>(rows, packed_queries, scores, others, weights, by, total); return true;
            case 32: score_and_weigh<2, Summed>(rows, packed_queries, scores, others, weights, by, total); return true;
            case 48: score_and_weigh<3, Summed>(rows, packed_queries, scores, others, weights, by, total); return true;
            case 64: score_and_weigh<4, Summed>(rows, packed_queries, scores, others, weights, by, total); return true;
            case 80: score_and_weigh<5, Summed>(rows, packed_queries, scores, others, weights, by, total); return true;
            default: return false;
        }
    }

    // Scores of 32 keys at a time and their weights, each while the tiles compute the next.
    static void score_small(const word* rows, int64_t words, int64_t there, int64_t filled, const word* packed_queries, float* scores, cell* weights, float factor, vec* total)
    {
        auto place = [&](int64_t first) { return scores + first / part % 2 * part * queries; };
        auto to = [&](int64_t first) { return reinterpret_cast<uint32_t*>(weights) + first / 2 * queries; };
        const vec by = set(factor * 128);
        block(rows, words, part, words, packed_queries, place(0), false);
        for (int64_t first = part; first < filled; first += part) {
            const int64_t last = first - part;
            const bool done = total == nullptr
                ? score_and_weigh<false>(words, rows + first * words, packed_queries, place(first), place(last), to(last), by, total)
                : score_and_weigh<true>(words, rows + first * words, packed_queries, place(first), place(last), to(last), by, total);
            if (!done) {
                block(rows + first * words, words, part, words, packed_queries, place(first), false);
                weigh_part(place(last), to(last), part, factor, total);
            }
        }
        const int64_t last = filled - part;
        weigh_part(place(last), to(last), there - last, factor, total);
    }

    // rows is a multiple of 16, words of 16
    static void block(const word* a, int64_t stride, int64_t rows, int64_t words, const word* b, float* c, bool accumulate)
    {
        constexpr int64_t line = queries * 4;
        const int64_t a_line = stride * 4;
        int64_t r = 0;
        for (; r + 32 <= rows; r += 32) {
            float* at = c + r * queries;
            if (accumulate) {
                _tile_loadd(0, at, line);
                _tile_loadd(1, at + 16, line);
                _tile_loadd(2, at + 16 * queries, line);
                _tile_loadd(3, at + 16 * queries + 16, line);
            } else {
                _tile_zero(0);
                _tile_zero(1);
                _tile_zero(2);
                _tile_zero(3);
            }
            for (int64_t i = 0; i < words; i += 16) {
                _tile_loadd(4, a + r * stride + i, a_line);
                _tile_loadd(6, b + i * queries, line);
                _tile_loadd(7, b + i * queries + 16, line);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(5, a + (r + 16) * stride + i, a_line);
                _tile_dpbf16ps(1, 4, 7);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
            _tile_stored(0, at, line);
            _tile_stored(1, at + 16, line);
            _tile_stored(2, at + 16 * queries, line);
            _tile_stored(3, at + 16 * queries + 16, line);
        }
        if (r < rows) {
            float* at = c + r * queries;
            if (accumulate) {
                _tile_loadd(0, at, line);
                _tile_loadd(1, at + 16, line);
            } else {
                _tile_zero(0);
                _tile_zero(1);
            }
            for (int64_t i = 0; i < words; i += 16) {
                _tile_loadd(4, a + r * stride + i, a_line);
                _tile_loadd(6, b + i * queries, line);
                _tile_loadd(7, b + i * queries + 16, line);
                _tile_dpbf16ps(0, 4, 6);
                _tile_dpbf16ps(1, 4, 7);
            }
            _tile_stored(0, at, line);
            _tile_stored(1, at + 16, line);
        }
    }
};

}  // namespace

const Kernel amx_bf16 = Frame<Amx>::kernel;

}  // namespace attention
