// From the C-like table to the loop for a type; included after the loops themselves.
#pragma once
#include "pointwise.h"

namespace pointwise {
namespace {

using half = uint16_t;

void sum_rows(const void* x, bool bfloat16, int64_t rows, int64_t channels, double* sums, double* squares)
{
    bfloat16 ? sum_rows_of(static_cast<const half*>(x), rows, channels, sums, squares) : sum_rows_of(static_cast<const float*>(x), rows, channels, sums, squares);
}

void sum_run(const void* x, bool bfloat16, int64_t count, double* sum, double* square)
{
    bfloat16 ? sum_run_of(static_cast<const half*>(x), count, sum, square) : sum_run_of(static_cast<const float*>(x), count, sum, square);
}

void scale_rows(const void* x, void* y, bool bfloat16, int64_t rows, int64_t channels, const float* scale, const float* shift, bool activate)
{
    bfloat16 ? scale_rows_of(static_cast<const half*>(x), static_cast<half*>(y), rows, channels, scale, shift, activate)
             : scale_rows_of(static_cast<const float*>(x), static_cast<float*>(y), rows, channels, scale, shift, activate);
}

void scale_run(const void* x, void* y, bool bfloat16, int64_t count, float scale, float shift, bool activate)
{
    bfloat16 ? scale_run_of(static_cast<const half*>(x), static_cast<half*>(y), count, scale, shift, activate)
             : scale_run_of(static_cast<const float*>(x), static_cast<float*>(y), count, scale, shift, activate);
}

void geglu(const void* x, void* y, bool bfloat16, int64_t rows, int64_t size)
{
    bfloat16 ? geglu_of(static_cast<const half*>(x), static_cast<half*>(y), rows, size) : geglu_of(static_cast<const float*>(x), static_cast<float*>(y), rows, size);
}

void layer_norm(const void* x, void* y, bool bfloat16, int64_t rows, int64_t size, const float* gain, const float* offset, double eps)
{
    bfloat16 ? layer_norm_of(static_cast<const half*>(x), static_cast<half*>(y), rows, size, gain, offset, eps)
             : layer_norm_of(static_cast<const float*>(x), static_cast<float*>(y), rows, size, gain, offset, eps);
}

template <class From>
void convert_from(const void* from, void* to, Number wanted, int64_t count)
{
    wanted == Number::bfloat16 ? convert_of(static_cast<const From*>(from), static_cast<half*>(to), count)
                               : convert_of(static_cast<const From*>(from), static_cast<float*>(to), count);
}

void convert(const void* from, Number stored, void* to, Number wanted, int64_t count)
{
    switch (stored) {
        case Number::float32: convert_from<float>(from, to, wanted, count); break;
        case Number::float16: convert_from<Half>(from, to, wanted, count); break;
        case Number::bfloat16: convert_from<half>(from, to, wanted, count); break;
    }
}

}  // namespace
}  // namespace pointwise
