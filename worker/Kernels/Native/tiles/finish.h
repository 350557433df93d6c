// What becomes of the sums: bias, what is added or the gate, bfloat16.
#pragma once
#include "rows.h"

namespace tiles {
namespace {

// x times the normal distribution's share below x, within 6e-5: finer than the bfloat16 that it becomes where that counts. The error
// function as an odd polynomial, fitted to |x| < 4.25 and constant beyond.
inline __m512 gelu(__m512 x)
{
    auto set = [](float value) { return _mm512_set1_ps(value); };
    const __m512 near = _mm512_max_ps(_mm512_min_ps(x, set(4.25f)), set(-4.25f)), square = _mm512_mul_ps(near, near);
    __m512 p = _mm512_fmadd_ps(set(9.094168473833264e-11f), square, set(-9.0306251365746e-09f));
    p = _mm512_fmadd_ps(p, square, set(3.972323838752345e-07f));
    p = _mm512_fmadd_ps(p, square, set(-1.0295038009644486e-05f));
    p = _mm512_fmadd_ps(p, square, set(0.00017697838484309614f));
    p = _mm512_fmadd_ps(p, square, set(-0.002158156596124172f));
    p = _mm512_fmadd_ps(p, square, set(0.019437558948993683f));
    p = _mm512_fmadd_ps(p, square, set(-0.13238056004047394f));
    p = _mm512_fmadd_ps(p, square, set(0.7976384162902832f));
    const __m512 half = _mm512_mul_ps(x, set(0.5f)), error = _mm512_max_ps(_mm512_min_ps(_mm512_mul_ps(p, near), set(1)), set(-1));
    return _mm512_fmadd_ps(half, error, half);
}

inline __m512 wide(__m256i halves) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16)); }

enum class Kind { plain, added, gated };

inline Kind kind_of(const Task& t) { return t.shape.gated != 0 ? Kind::gated : t.added != nullptr ? Kind::added : Kind::plain; }

// Sums of 32 rows and 32 outputs that wait to become results. They are finished row by row while the tiles compute the next: for
// layers with few features it would else take as long as their products.
template <Kind K>
class Finish {
public:
    Finish() = default;

    // The outputs from `output` on, of a pair of tiles whose sums stand there.
    Finish(const Task& t, const Pair& pair, int64_t output, const float* sums) : to_(pair.to), sums_(sums), start_(sums), left_(pair.count()), results_(t.shape.results())
    {
        const int64_t column = K == Kind::gated ? output / 2 : output;
        out_ = t.out + column;
        if (K == Kind::added) {
            added_ = t.added + column;
        }
        const int64_t there = smaller(block, results_ - column);
        mask_ = there == block || K == Kind::gated ? 0xffffffffu : (1u << there) - 1;
        if (t.bias != nullptr) {
            low_ = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_), t.bias + column);
            high_ = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_ >> side), t.bias + column + (K == Kind::gated ? results_ : side));
        }
    }

    bool waits_in(const float* sums) const { return left_ > 0 && sums == start_; }

    // So many rows more.
    void some(int64_t several)
    {
        for (; several > 0 && left_ > 0; several--, left_--, to_++, sums_ += block) {
            if (*to_ >= 0) {
                one(*to_ * results_);
            }
        }
    }

    void all() { some(left_); }

private:
    void one(int64_t place) const
    {
        const __m512 low = _mm512_add_ps(_mm512_loadu_ps(sums_), low_), high = _mm512_add_ps(_mm512_loadu_ps(sums_ + side), high_);
        if constexpr (K == Kind::gated) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out_ + place), (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(low, gelu(high))));
        } else if constexpr (K == Kind::added) {
            const __m512i more = _mm512_maskz_loadu_epi16(mask_, added_ + place);
            store(place, _mm512_add_ps(low, wide(_mm512_castsi512_si256(more))), _mm512_add_ps(high, wide(_mm512_extracti64x4_epi64(more, 1))));
        } else {
            store(place, low, high);
        }
    }

    void store(int64_t place, __m512 low, __m512 high) const { _mm512_mask_storeu_epi16(out_ + place, mask_, (__m512i)_mm512_cvtne2ps_pbh(high, low)); }

    const int64_t* to_ = nullptr;
    const float *sums_ = nullptr, *start_ = nullptr;
    int64_t left_ = 0, results_ = 0;
    uint16_t* out_ = nullptr;
    const uint16_t* added_ = nullptr;
    __mmask32 mask_ = 0;
    __m512 low_ = _mm512_setzero_ps(), high_ = _mm512_setzero_ps();
};

}  // namespace
}  // namespace tiles
