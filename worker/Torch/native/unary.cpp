// Functions of each element, or of one tensor without further arguments.
#include "narrow.h"
#include "shim.h"

using namespace shim;

#define UNARY(name) \
    GT_API T gt_##name(T a) { return make(#name, [&] { return at::name(*a); }, a); }
#define UNARY_IN_PLACE(name) \
    GT_API int32_t gt_##name(T a) { return run(#name, [&] { at::name(*a); }, a); }
#define UNARY_METHOD(name) \
    GT_API T gt_##name(T a) { return make(#name, [&] { return a->name(); }, a); }
#define BOTH(name) UNARY(name) UNARY_IN_PLACE(name##_)

BOTH(abs)
BOTH(acos)
BOTH(acosh)
BOTH(asin)
BOTH(asinh)
BOTH(atan)
BOTH(atanh)
BOTH(ceil)
BOTH(cos)
BOTH(cosh)
BOTH(erf)
BOTH(erfc)
BOTH(exp)
BOTH(exp2)
BOTH(expm1)
BOTH(floor)
BOTH(frac)
BOTH(log)
BOTH(log10)
BOTH(log1p)
BOTH(log2)
BOTH(neg)
BOTH(reciprocal)
BOTH(relu)
BOTH(round)
BOTH(rsqrt)
BOTH(sigmoid)
BOTH(silu)
BOTH(sin)
BOTH(sinh)
BOTH(sqrt)
BOTH(square)
BOTH(tan)
BOTH(tanh)
BOTH(trunc)
BOTH(selu)
BOTH(hardswish)
BOTH(hardsigmoid)
BOTH(mish)
UNARY(erfinv)
UNARY(sign)
UNARY(sgn)
UNARY(sinc)
UNARY(signbit)
UNARY(isnan)
UNARY(isinf)
UNARY(isfinite)
UNARY(isposinf)
UNARY(isneginf)
UNARY(logical_not)
UNARY(bitwise_not)
UNARY(deg2rad)
UNARY(rad2deg)
UNARY(relu6)
UNARY(log_sigmoid)
UNARY(positive)
UNARY(nonzero)
UNARY(t)
UNARY(inverse)
UNARY(det)
UNARY(logdet)
UNARY(trace)
UNARY(fliplr)
UNARY(flipud)
UNARY(ravel)
UNARY(matrix_exp)
UNARY(argwhere)
UNARY_METHOD(mT)
UNARY_IN_PLACE(zero_)

GT_API T gt_round_decimals(T a, int64_t decimals) { return make("round", [&] { return at::round(*a, decimals); }, a, decimals); }

GT_API T gt_gelu(T a, int32_t tanh)
{
    return make(
        "gelu",
        [&] {
            const char* approximate = tanh != 0 ? "tanh" : "none";
            return narrow::widens(*a) ? at::gelu(narrow::wide(*a), approximate).to(at::kBFloat16) : at::gelu(*a, approximate);
        },
        a);
}

GT_API T gt_leaky_relu(T a, double slope) { return make("leaky_relu", [&] { return at::leaky_relu(*a, slope); }, a, slope); }
GT_API int32_t gt_leaky_relu_(T a, double slope) { return run("leaky_relu_", [&] { at::leaky_relu_(*a, slope); }, a, slope); }
GT_API T gt_hardtanh(T a, Scalar low, Scalar high) { return make("hardtanh", [&] { return at::hardtanh(*a, number(low), number(high)); }, a, low, high); }
GT_API T gt_elu(T a, double alpha) { return make("elu", [&] { return at::elu(*a, alpha); }, a, alpha); }
GT_API T gt_softplus(T a, double beta, double threshold) { return make("softplus", [&] { return at::softplus(*a, beta, threshold); }, a, beta, threshold); }
GT_API T gt_threshold(T a, Scalar threshold, Scalar value) { return make("threshold", [&] { return at::threshold(*a, number(threshold), number(value)); }, a, threshold, value); }
GT_API T gt_glu(T a, int64_t dim) { return make("glu", [&] { return at::glu(*a, dim); }, a, dim); }
GT_API T gt_prelu(T a, T weight) { return make("prelu", [&] { return at::prelu(*a, *weight); }, a, weight); }

GT_API T gt_nan_to_num(T a, double nan, double posinf, int32_t has_posinf, double neginf, int32_t has_neginf)
{
    return make(
        "nan_to_num",
        [&] {
            return at::nan_to_num(
                *a, nan, has_posinf ? compat::optional<double>(posinf) : compat::none, has_neginf ? compat::optional<double>(neginf) : compat::none);
        },
        a, nan);
}

GT_API T gt_clamp(T a, Scalar min, Scalar max) { return make("clamp", [&] { return at::clamp(*a, maybe(min), maybe(max)); }, a, min, max); }
GT_API int32_t gt_clamp_(T a, Scalar min, Scalar max) { return run("clamp_", [&] { at::clamp_(*a, maybe(min), maybe(max)); }, a, min, max); }
GT_API T gt_clamp_tensor(T a, T min, T max) { return make("clamp", [&] { return at::clamp(*a, maybe(min), maybe(max)); }, a, min, max); }
GT_API int32_t gt_clamp_tensor_(T a, T min, T max) { return run("clamp_", [&] { at::clamp_(*a, maybe(min), maybe(max)); }, a, min, max); }
GT_API int32_t gt_fill_(T a, Scalar value) { return run("fill_", [&] { a->fill_(number(value)); }, a, value); }
GT_API T gt_tril(T a, int64_t diagonal) { return make("tril", [&] { return at::tril(*a, diagonal); }, a, diagonal); }
GT_API T gt_triu(T a, int64_t diagonal) { return make("triu", [&] { return at::triu(*a, diagonal); }, a, diagonal); }
