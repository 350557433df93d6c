// Passes over memory that do several things at once, for float32 and bfloat16 with float32 arithmetic. No libtorch here:
// the same loops are compiled for several instruction sets, and one set is chosen at run time.
#pragma once
#include <cstdint>

namespace pointwise {

enum class Number : int32_t { float32, float16, bfloat16 };

struct Loops {
    // sums and squares (channels each, added to) over rows of channels
    void (*sum_rows)(const void* x, bool bfloat16, int64_t rows, int64_t channels, double* sums, double* squares);
    // sum and square of count neighbours, added to
    void (*sum_run)(const void* x, bool bfloat16, int64_t count, double* sum, double* square);
    // y = x * scale[channel] + shift[channel] over rows of channels, then SiLU if asked
    void (*scale_rows)(const void* x, void* y, bool bfloat16, int64_t rows, int64_t channels, const float* scale, const float* shift, bool silu);
    // y = x * scale + shift over count neighbours, then SiLU if asked
    void (*scale_run)(const void* x, void* y, bool bfloat16, int64_t count, float scale, float shift, bool silu);
    // y (rows, size) = x[.., :size] * gelu(x[.., size:]), x (rows, 2 size)
    void (*geglu)(const void* x, void* y, bool bfloat16, int64_t rows, int64_t size);
    // each row less its mean, over its deviation, times gain plus offset (size each, or null)
    void (*layer_norm)(const void* x, void* y, bool bfloat16, int64_t rows, int64_t size, const float* gain, const float* offset, double eps);
    // count numbers to float32 or bfloat16, rounded to the nearest
    void (*convert)(const void* from, Number stored, void* to, Number wanted, int64_t count);
};

const Loops& baseline();
const Loops& avx2();
const Loops& avx512();

}  // namespace pointwise
