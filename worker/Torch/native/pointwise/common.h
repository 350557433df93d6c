// What all sets of loops share: reading numbers, and sums of neighbours.
#pragma once
#include "pointwise.h"
#include <cstring>

namespace pointwise {
namespace {

inline float read(const float* x, int64_t i) { return x[i]; }

inline float read(const uint16_t* x, int64_t i)
{
    uint32_t bits = static_cast<uint32_t>(x[i]) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// A float16 as it is stored.
struct Half {
    uint16_t bits;
};

// The exponent is moved by a product, which is right for the numbers below the normal ones too; infinities and NaN are mended.
inline float read(const Half* x, int64_t i)
{
    const uint32_t magnitude = (x[i].bits & 0x7fffu) << 13, sign = (x[i].bits & 0x8000u) << 16;
    float value;
    std::memcpy(&value, &magnitude, sizeof value);
    value *= 0x1p112f;
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : bits) | sign;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <class E>
void sum_run_of(const E* x, int64_t count, double* sum, double* square)
{
    constexpr int64_t lanes = 32, depth = 32;
    double all = 0, all_squares = 0;
    for (int64_t i0 = 0; i0 < count; i0 += lanes * depth) {
        float sums[lanes] = {}, squares[lanes] = {};
        const int64_t end = i0 + lanes * depth < count ? i0 + lanes * depth : count;
        int64_t i = i0;
        for (; i + lanes <= end; i += lanes) {
            for (int64_t lane = 0; lane < lanes; lane++) {
                float value = read(x, i + lane);
                sums[lane] += value;
                squares[lane] += value * value;
            }
        }
        for (; i < end; i++) {
            float value = read(x, i);
            sums[0] += value;
            squares[0] += value * value;
        }
        for (int64_t lane = 0; lane < lanes; lane++) {
            all += sums[lane];
            all_squares += squares[lane];
        }
    }
    *sum += all;
    *square += all_squares;
}

}  // namespace
}  // namespace pointwise
