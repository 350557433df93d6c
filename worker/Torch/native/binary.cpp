// Functions of two tensors, or of a tensor and a number, with broadcasting; and products of matrices.
#include "narrow.h"
#include "shim.h"

using namespace shim;

#define TENSORS(name) \
    GT_API T gt_##name(T a, T b) { return make(#name, [&] { return at::name(*a, *b); }, a, b); }
#define PRODUCT(name)                                                                                                        \
    GT_API T gt_##name(T a, T b)                                                                                            \
    {                                                                                                                       \
        return make(#name, [&] { return narrow::product([](const auto& x, const auto& y, const auto&) { return at::name(x, y); }, *a, *b, compat::none); }, a, b); \
    }
#define NUMBER(name) \
    GT_API T gt_##name##_scalar(T a, Scalar b) { return make(#name, [&] { return at::name(*a, number(b)); }, a, b); }
#define TENSORS_IN_PLACE(name) \
    GT_API int32_t gt_##name##_(T a, T b) { return run(#name "_", [&] { a->name##_(*b); }, a, b); }
#define NUMBER_IN_PLACE(name) \
    GT_API int32_t gt_##name##_scalar_(T a, Scalar b) { return run(#name "_", [&] { a->name##_(number(b)); }, a, b); }
#define ALL_FOUR(name) TENSORS(name) NUMBER(name) TENSORS_IN_PLACE(name) NUMBER_IN_PLACE(name)

ALL_FOUR(mul)
ALL_FOUR(div)
ALL_FOUR(pow)
ALL_FOUR(fmod)
ALL_FOUR(remainder)
ALL_FOUR(floor_divide)
ALL_FOUR(eq)
ALL_FOUR(ne)
ALL_FOUR(lt)
ALL_FOUR(le)
ALL_FOUR(gt)
ALL_FOUR(ge)

#define LOGICAL(name) TENSORS(name) TENSORS_IN_PLACE(name)
LOGICAL(logical_and)
LOGICAL(logical_or)
LOGICAL(logical_xor)
LOGICAL(bitwise_and)
LOGICAL(bitwise_or)
LOGICAL(bitwise_xor)
LOGICAL(atan2)

TENSORS(maximum)
TENSORS(minimum)
TENSORS(fmax)
TENSORS(fmin)
TENSORS(copysign)
TENSORS(hypot)
TENSORS(logaddexp)
PRODUCT(matmul)
PRODUCT(mm)
PRODUCT(bmm)
TENSORS(mv)
TENSORS(dot)
TENSORS(outer)
TENSORS(inner)
TENSORS(kron)
TENSORS(linalg_solve)

GT_API T gt_add(T a, T b, Scalar alpha) { return make("add", [&] { return at::add(*a, *b, number(alpha)); }, a, b); }
GT_API T gt_add_scalar(T a, Scalar b, Scalar alpha) { return make("add", [&] { return at::add(*a, number(b), number(alpha)); }, a, b); }
GT_API int32_t gt_add_(T a, T b, Scalar alpha) { return run("add_", [&] { a->add_(*b, number(alpha)); }, a, b); }
GT_API int32_t gt_add_scalar_(T a, Scalar b, Scalar alpha) { return run("add_", [&] { a->add_(number(b), number(alpha)); }, a, b); }
GT_API T gt_sub(T a, T b) { return make("sub", [&] { return at::sub(*a, *b); }, a, b); }
GT_API T gt_sub_scalar(T a, Scalar b) { return make("sub", [&] { return at::sub(*a, number(b)); }, a, b); }
GT_API int32_t gt_sub_(T a, T b) { return run("sub_", [&] { a->sub_(*b); }, a, b); }
GT_API int32_t gt_sub_scalar_(T a, Scalar b) { return run("sub_", [&] { a->sub_(number(b)); }, a, b); }
GT_API T gt_rsub_scalar(T a, Scalar b) { return make("rsub", [&] { return at::rsub(*a, number(b)); }, a, b); }

// b / a, b a number
GT_API T gt_rdiv_scalar(T a, Scalar b)
{
    return make("div", [&] { return at::reciprocal(*a).mul_(number(b)); }, b, a);
}

// number ** a
GT_API T gt_rpow_scalar(T a, Scalar b) { return make("pow", [&] { return at::pow(number(b), *a); }, b, a); }

static c10::string_view rounding(int32_t mode) { return mode == 1 ? "trunc" : "floor"; }

GT_API T gt_div_mode(T a, T b, int32_t mode) { return make("div", [&] { return at::div(*a, *b, rounding(mode)); }, a, b); }
GT_API T gt_div_scalar_mode(T a, Scalar b, int32_t mode) { return make("div", [&] { return at::div(*a, number(b), rounding(mode)); }, a, b); }
GT_API int32_t gt_div_mode_(T a, T b, int32_t mode) { return run("div_", [&] { a->div_(*b, rounding(mode)); }, a, b); }
GT_API int32_t gt_div_scalar_mode_(T a, Scalar b, int32_t mode) { return run("div_", [&] { a->div_(number(b), rounding(mode)); }, a, b); }

GT_API T gt_addcmul(T a, T b, T c, Scalar value) { return make("addcmul", [&] { return at::addcmul(*a, *b, *c, number(value)); }, a, b, c, value); }
GT_API int32_t gt_addcmul_(T a, T b, T c, Scalar value) { return run("addcmul_", [&] { a->addcmul_(*b, *c, number(value)); }, a, b, c, value); }
GT_API T gt_addcdiv(T a, T b, T c, Scalar value) { return make("addcdiv", [&] { return at::addcdiv(*a, *b, *c, number(value)); }, a, b, c, value); }
GT_API int32_t gt_addcdiv_(T a, T b, T c, Scalar value) { return run("addcdiv_", [&] { a->addcdiv_(*b, *c, number(value)); }, a, b, c, value); }
GT_API T gt_lerp(T a, T b, T weight) { return make("lerp", [&] { return at::lerp(*a, *b, *weight); }, a, b, weight); }
GT_API T gt_lerp_scalar(T a, T b, Scalar weight) { return make("lerp", [&] { return at::lerp(*a, *b, number(weight)); }, a, b, weight); }

#define MATRICES(name)                                                                                                  \
    GT_API T gt_##name(T a, T b, T c, double beta, double alpha)                                                        \
    {                                                                                                                   \
        return make(#name, [&] { return at::name(*a, *b, *c, beta, alpha); }, a, b, c);                                 \
    }                                                                                                                   \
    GT_API int32_t gt_##name##_(T a, T b, T c, double beta, double alpha)                                               \
    {                                                                                                                   \
        return run(#name "_", [&] { a->name##_(*b, *c, beta, alpha); }, a, b, c);                                       \
    }

MATRICES(addmm)
MATRICES(baddbmm)
MATRICES(addbmm)
MATRICES(addmv)
MATRICES(addr)

GT_API T gt_einsum(const char* equation, Tensors tensors)
{
    return make("einsum", [&] { return at::einsum(equation, vector(tensors)); }, tensors);
}

GT_API T gt_cdist(T a, T b, double p) { return make("cdist", [&] { return at::cdist(*a, *b, p); }, a, b, p); }

GT_API T gt_isclose(T a, T b, double rtol, double atol, int32_t equal_nan)
{
    return make("isclose", [&] { return at::isclose(*a, *b, rtol, atol, equal_nan != 0); }, a, b);
}

GT_API int32_t gt_allclose(T a, T b, double rtol, double atol, int32_t equal_nan, int32_t* out)
{
    return run("allclose", [&] { *out = at::allclose(*a, *b, rtol, atol, equal_nan != 0) ? 1 : 0; }, a, b);
}

GT_API int32_t gt_equal(T a, T b, int32_t* out) { return run("equal", [&] { *out = at::equal(*a, *b) ? 1 : 0; }, a, b); }
