// bfloat16 products by vdpbf16ps.
#include "wide.h"

namespace attention {
namespace {

struct Avx512Bf16 : WideBfloat16 {
    static constexpr int64_t queries = 64, keys = 64, size_step = 2, row_step = 1, key_step = 2;

    static bool stays_small(const cell* packed_queries, int64_t words, float longest_key, float factor)
    {
        return all_small<queries>(packed_queries, words, longest_key, factor);
    }

    static void score_small(const word* rows, int64_t words, int64_t there, int64_t filled, const word* packed_queries, float* scores, cell* weights, float factor, vec* total)
    {
        block(rows, words, filled, words, packed_queries, scores, false);
        for (int64_t v = 0; v < queries / width; v++) {
            weigh_small_pairs<queries>(scores + v * width, weights, v, there, filled, factor, total == nullptr ? nullptr : &total[v]);
        }
    }

    static void weigh(const float* scores, cell* weights, int64_t v, int64_t there, int64_t filled, vec scale, vec base, vec& sum)
    {
        weigh_pairs<queries>(scores, weights, v, there, filled, scale, base, sum);
    }

    static void block(const word* a, int64_t stride, int64_t rows, int64_t words, const word* b, float* c, bool accumulate)
    {
        strips<Avx512Bf16>(a, stride, rows, words, b, c, accumulate);
    }
};

}  // namespace

const Kernel avx512_bf16 = Frame<Avx512Bf16>::kernel;

}  // namespace attention
