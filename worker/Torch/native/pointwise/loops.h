// The loops, written for the compiler to vectorize; internal to each file that includes them.
#pragma once
#include "common.h"

namespace pointwise {
namespace {

inline void write(float* y, int64_t i, float value) { y[i] = value; }

inline void write(uint16_t* y, int64_t i, float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    y[i] = static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

// e^x within 2e-7; x is cut to what float32 can hold.
inline float exponential(float x)
{
    float scaled = x * 1.44269504088896341f;
    scaled = scaled < -126.0f ? -126.0f : scaled;
    scaled = scaled > 127.0f ? 127.0f : scaled;
    // adding 1.5 * 2^23 rounds to the nearest whole number
    float shifted = scaled + 12582912.0f;
    float part = scaled - (shifted - 12582912.0f);
    float p = 0.00015337570960934711f;
    p = p * part + 0.0013399860296137152f;
    p = p * part + 0.00961851955623828f;
    p = p * part + 0.055503289977287554f;
    p = p * part + 0.2402264660851011f;
    p = p * part + 0.6931472056003763f;
    p = p * part + 1.0000000005920497f;
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    uint32_t power = (bits + 127u) << 23;
    float factor;
    std::memcpy(&factor, &power, sizeof factor);
    return p * factor;
}

inline float silu(float x) { return x / (1.0f + exponential(-x)); }

// x times the normal distribution's share below x; the error function after Abramowitz and Stegun, 7.1.26 (within 2e-7).
inline float gelu(float x)
{
    float z = (x < 0 ? -x : x) * 0.70710678118654752f;
    float t = 1.0f / (1.0f + 0.3275911f * z);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float tail = 0.5f * p * t * exponential(-z * z);
    return x * (x < 0 ? tail : 1.0f - tail);
}

template <class E>
void sum_rows_of(const E* x, int64_t rows, int64_t channels, double* sums, double* squares)
{
    constexpr int64_t strip = 64, depth = 32;
    for (int64_t c0 = 0; c0 < channels; c0 += strip) {
        const int64_t width = c0 + strip < channels ? strip : channels - c0;
        for (int64_t r0 = 0; r0 < rows; r0 += depth) {
            const int64_t height = r0 + depth < rows ? depth : rows - r0;
            float sum[strip] = {}, square[strip] = {};
            for (int64_t r = 0; r < height; r++) {
                const E* row = x + (r0 + r) * channels + c0;
                for (int64_t c = 0; c < width; c++) {
                    float value = read(row, c);
                    sum[c] += value;
                    square[c] += value * value;
                }
            }
            for (int64_t c = 0; c < width; c++) {
                sums[c0 + c] += sum[c];
                squares[c0 + c] += square[c];
            }
        }
    }
}

template <class E>
void scale_rows_of(const E* x, E* y, int64_t rows, int64_t channels, const float* scale, const float* shift, bool activate)
{
    for (int64_t r = 0; r < rows; r++) {
        const E* from = x + r * channels;
        E* to = y + r * channels;
        if (activate) {
            for (int64_t c = 0; c < channels; c++) {
                write(to, c, silu(read(from, c) * scale[c] + shift[c]));
            }
        } else {
            for (int64_t c = 0; c < channels; c++) {
                write(to, c, read(from, c) * scale[c] + shift[c]);
            }
        }
    }
}

template <class E>
void scale_run_of(const E* x, E* y, int64_t count, float scale, float shift, bool activate)
{
    if (activate) {
        for (int64_t i = 0; i < count; i++) {
            write(y, i, silu(read(x, i) * scale + shift));
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            write(y, i, read(x, i) * scale + shift);
        }
    }
}

template <class E>
void geglu_of(const E* x, E* y, int64_t rows, int64_t size)
{
    for (int64_t r = 0; r < rows; r++) {
        const E* value = x + r * 2 * size;
        const E* gate = value + size;
        E* out = y + r * size;
        for (int64_t c = 0; c < size; c++) {
            write(out, c, read(value, c) * gelu(read(gate, c)));
        }
    }
}

// Two passes over a row, which the first brings into the nearest cache: no large sums are subtracted from each other.
template <class E>
void layer_norm_of(const E* x, E* y, int64_t rows, int64_t size, const float* gain, const float* offset, double eps)
{
    constexpr int64_t lanes = 64;
    const int64_t whole = size / lanes * lanes;
    for (int64_t r = 0; r < rows; r++) {
        const E* from = x + r * size;
        E* to = y + r * size;
        float sums[lanes] = {};
        for (int64_t i = 0; i < whole; i += lanes) {
            for (int64_t lane = 0; lane < lanes; lane++) {
                sums[lane] += read(from, i + lane);
            }
        }
        double sum = 0;
        for (int64_t i = whole; i < size; i++) {
            sum += read(from, i);
        }
        for (int64_t lane = 0; lane < lanes; lane++) {
            sum += sums[lane];
        }
        const float mean = static_cast<float>(sum / static_cast<double>(size));
        float squares[lanes] = {};
        for (int64_t i = 0; i < whole; i += lanes) {
            for (int64_t lane = 0; lane < lanes; lane++) {
                const float off = read(from, i + lane) - mean;
                squares[lane] += off * off;
            }
        }
        double square = 0;
        for (int64_t i = whole; i < size; i++) {
            const float off = read(from, i) - mean;
            square += off * off;
        }
        for (int64_t lane = 0; lane < lanes; lane++) {
            square += squares[lane];
        }
        const float scale = static_cast<float>(1.0 / __builtin_sqrt(square / static_cast<double>(size) + eps));
        if (gain != nullptr && offset != nullptr) {
            for (int64_t i = 0; i < size; i++) {
                write(to, i, (read(from, i) - mean) * scale * gain[i] + offset[i]);
            }
        } else {
            for (int64_t i = 0; i < size; i++) {
                write(to, i, (read(from, i) - mean) * scale * (gain != nullptr ? gain[i] : 1.0f) + (offset != nullptr ? offset[i] : 0.0f));
            }
        }
    }
}

template <class From, class To>
void convert_of(const From* from, To* to, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        write(to, i, read(from, i));
    }
}

}  // namespace
}  // namespace pointwise
