using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/unary.cpp: functions of one tensor.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_abs(nint a);

    [DllImport(Library)]
    internal static extern int gt_abs_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_acos(nint a);

    [DllImport(Library)]
    internal static extern int gt_acos_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_acosh(nint a);

    [DllImport(Library)]
    internal static extern int gt_acosh_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_asin(nint a);

    [DllImport(Library)]
    internal static extern int gt_asin_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_asinh(nint a);

    [DllImport(Library)]
    internal static extern int gt_asinh_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_atan(nint a);

    [DllImport(Library)]
    internal static extern int gt_atan_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_atanh(nint a);

    [DllImport(Library)]
    internal static extern int gt_atanh_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_ceil(nint a);

    [DllImport(Library)]
    internal static extern int gt_ceil_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_cos(nint a);

    [DllImport(Library)]
    internal static extern int gt_cos_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_cosh(nint a);

    [DllImport(Library)]
    internal static extern int gt_cosh_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_erf(nint a);

    [DllImport(Library)]
    internal static extern int gt_erf_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_erfc(nint a);

    [DllImport(Library)]
    internal static extern int gt_erfc_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_exp(nint a);

    [DllImport(Library)]
    internal static extern int gt_exp_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_exp2(nint a);

    [DllImport(Library)]
    internal static extern int gt_exp2_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_expm1(nint a);

    [DllImport(Library)]
    internal static extern int gt_expm1_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_floor(nint a);

    [DllImport(Library)]
    internal static extern int gt_floor_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_frac(nint a);

    [DllImport(Library)]
    internal static extern int gt_frac_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_log(nint a);

    [DllImport(Library)]
    internal static extern int gt_log_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_log10(nint a);

    [DllImport(Library)]
    internal static extern int gt_log10_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_log1p(nint a);

    [DllImport(Library)]
    internal static extern int gt_log1p_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_log2(nint a);

    [DllImport(Library)]
    internal static extern int gt_log2_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_neg(nint a);

    [DllImport(Library)]
    internal static extern int gt_neg_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_reciprocal(nint a);

    [DllImport(Library)]
    internal static extern int gt_reciprocal_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_relu(nint a);

    [DllImport(Library)]
    internal static extern int gt_relu_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_round(nint a);

    [DllImport(Library)]
    internal static extern int gt_round_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_rsqrt(nint a);

    [DllImport(Library)]
    internal static extern int gt_rsqrt_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sigmoid(nint a);

    [DllImport(Library)]
    internal static extern int gt_sigmoid_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_silu(nint a);

    [DllImport(Library)]
    internal static extern int gt_silu_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sin(nint a);

    [DllImport(Library)]
    internal static extern int gt_sin_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sinh(nint a);

    [DllImport(Library)]
    internal static extern int gt_sinh_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sqrt(nint a);

    [DllImport(Library)]
    internal static extern int gt_sqrt_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_square(nint a);

    [DllImport(Library)]
    internal static extern int gt_square_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_tan(nint a);

    [DllImport(Library)]
    internal static extern int gt_tan_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_tanh(nint a);

    [DllImport(Library)]
    internal static extern int gt_tanh_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_trunc(nint a);

    [DllImport(Library)]
    internal static extern int gt_trunc_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_selu(nint a);

    [DllImport(Library)]
    internal static extern int gt_selu_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_hardswish(nint a);

    [DllImport(Library)]
    internal static extern int gt_hardswish_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_hardsigmoid(nint a);

    [DllImport(Library)]
    internal static extern int gt_hardsigmoid_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_mish(nint a);

    [DllImport(Library)]
    internal static extern int gt_mish_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_erfinv(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sign(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sgn(nint a);

    [DllImport(Library)]
    internal static extern nint gt_sinc(nint a);

    [DllImport(Library)]
    internal static extern nint gt_signbit(nint a);

    [DllImport(Library)]
    internal static extern nint gt_isnan(nint a);

    [DllImport(Library)]
    internal static extern nint gt_isinf(nint a);

    [DllImport(Library)]
    internal static extern nint gt_isfinite(nint a);

    [DllImport(Library)]
    internal static extern nint gt_isposinf(nint a);

    [DllImport(Library)]
    internal static extern nint gt_isneginf(nint a);

    [DllImport(Library)]
    internal static extern nint gt_logical_not(nint a);

    [DllImport(Library)]
    internal static extern nint gt_bitwise_not(nint a);

    [DllImport(Library)]
    internal static extern nint gt_deg2rad(nint a);

    [DllImport(Library)]
    internal static extern nint gt_rad2deg(nint a);

    [DllImport(Library)]
    internal static extern nint gt_relu6(nint a);

    [DllImport(Library)]
    internal static extern nint gt_log_sigmoid(nint a);

    [DllImport(Library)]
    internal static extern nint gt_positive(nint a);

    [DllImport(Library)]
    internal static extern nint gt_nonzero(nint a);

    [DllImport(Library)]
    internal static extern nint gt_t(nint a);

    [DllImport(Library)]
    internal static extern nint gt_inverse(nint a);

    [DllImport(Library)]
    internal static extern nint gt_det(nint a);

    [DllImport(Library)]
    internal static extern nint gt_logdet(nint a);

    [DllImport(Library)]
    internal static extern nint gt_trace(nint a);

    [DllImport(Library)]
    internal static extern nint gt_fliplr(nint a);

    [DllImport(Library)]
    internal static extern nint gt_flipud(nint a);

    [DllImport(Library)]
    internal static extern nint gt_ravel(nint a);

    [DllImport(Library)]
    internal static extern nint gt_matrix_exp(nint a);

    [DllImport(Library)]
    internal static extern nint gt_argwhere(nint a);

    [DllImport(Library)]
    internal static extern nint gt_mT(nint a);

    [DllImport(Library)]
    internal static extern int gt_zero_(nint a);

    [DllImport(Library)]
    internal static extern nint gt_round_decimals(nint a, long decimals);

    [DllImport(Library)]
    internal static extern nint gt_gelu(nint a, int tanh);

    [DllImport(Library)]
    internal static extern nint gt_leaky_relu(nint a, double slope);

    [DllImport(Library)]
    internal static extern int gt_leaky_relu_(nint a, double slope);

    [DllImport(Library)]
    internal static extern nint gt_hardtanh(nint a, ScalarValue low, ScalarValue high);

    [DllImport(Library)]
    internal static extern nint gt_elu(nint a, double alpha);

    [DllImport(Library)]
    internal static extern nint gt_softplus(nint a, double beta, double threshold);

    [DllImport(Library)]
    internal static extern nint gt_threshold(nint a, ScalarValue threshold, ScalarValue value);

    [DllImport(Library)]
    internal static extern nint gt_glu(nint a, long dim);

    [DllImport(Library)]
    internal static extern nint gt_prelu(nint a, nint weight);

    [DllImport(Library)]
    internal static extern nint gt_nan_to_num(nint a, double nan, double posinf, int hasPosinf, double neginf, int hasNeginf);

    [DllImport(Library)]
    internal static extern nint gt_clamp(nint a, ScalarValue min, ScalarValue max);

    [DllImport(Library)]
    internal static extern int gt_clamp_(nint a, ScalarValue min, ScalarValue max);

    [DllImport(Library)]
    internal static extern nint gt_clamp_tensor(nint a, nint min, nint max);

    [DllImport(Library)]
    internal static extern int gt_clamp_tensor_(nint a, nint min, nint max);

    [DllImport(Library)]
    internal static extern int gt_fill_(nint a, ScalarValue value);

    [DllImport(Library)]
    internal static extern nint gt_tril(nint a, long diagonal);

    [DllImport(Library)]
    internal static extern nint gt_triu(nint a, long diagonal);
}
