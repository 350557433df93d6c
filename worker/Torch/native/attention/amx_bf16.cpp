// bfloat16 products on AMX tiles, 32 rows x 32 queries at a time.
#include "attention.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VBMI__)
#include "avx512_table.h"

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
        static const Shape shape;
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

    static void weigh_part(const float* scores, cell* weights, int64_t first, int64_t v, int64_t there, float factor, vec* total)
    {
        uint32_t* to = reinterpret_cast<uint32_t*>(weights) + first / 2 * queries + v * width;
        const int64_t left = there - first < part ? there - first : part;
        vec none = set(0);
        if (total == nullptr) {
            weigh_by_table<queries, true, false>(scores, to, left, part, set(factor), set(0), none);
        } else {
            weigh_by_table<queries, true, true>(scores, to, left, part, set(factor), set(0), total[v]);
        }
    }

    // Scores of 32 keys at a time and their weights, each while the tiles compute the next.
    static void score_small(const word* rows, int64_t words, int64_t there, int64_t filled, const word* packed_queries, float* scores, cell* weights, float factor, vec* total)
    {
        auto place = [&](int64_t first) { return scores + first / part % 2 * part * queries; };
        for (int64_t first = 0; first < filled + part; first += part) {
            if (first < filled) {
                block(rows + first * words, words, part, words, packed_queries, place(first), false);
            }
            for (int64_t v = 0; first > 0 && v < queries / width; v++) {
                weigh_part(place(first - part) + v * width, weights, first - part, v, there, factor, total);
            }
        }
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

const Kernel* amx_bf16()
{
    static const Kernel kernel = Frame<Amx>::kernel("amx_bf16");
    return &kernel;
}

}  // namespace attention
#else
namespace attention {
const Kernel* amx_bf16() { return nullptr; }
}  // namespace attention
#endif
