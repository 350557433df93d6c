using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Functions of each element.</summary>
    public sealed partial class Tensor
    {
        public Tensor abs() => Wrap(Native.gt_abs(Handle), this);

        public Tensor abs_() => Done(Native.gt_abs_(Handle), this);

        public Tensor acos() => Wrap(Native.gt_acos(Handle), this);

        public Tensor acos_() => Done(Native.gt_acos_(Handle), this);

        public Tensor acosh() => Wrap(Native.gt_acosh(Handle), this);

        public Tensor acosh_() => Done(Native.gt_acosh_(Handle), this);

        public Tensor argwhere() => Wrap(Native.gt_argwhere(Handle), this);

        public Tensor asin() => Wrap(Native.gt_asin(Handle), this);

        public Tensor asin_() => Done(Native.gt_asin_(Handle), this);

        public Tensor asinh() => Wrap(Native.gt_asinh(Handle), this);

        public Tensor asinh_() => Done(Native.gt_asinh_(Handle), this);

        public Tensor atan() => Wrap(Native.gt_atan(Handle), this);

        public Tensor atan_() => Done(Native.gt_atan_(Handle), this);

        public Tensor atanh() => Wrap(Native.gt_atanh(Handle), this);

        public Tensor atanh_() => Done(Native.gt_atanh_(Handle), this);

        public Tensor bitwise_not() => Wrap(Native.gt_bitwise_not(Handle), this);

        public Tensor ceil() => Wrap(Native.gt_ceil(Handle), this);

        public Tensor ceil_() => Done(Native.gt_ceil_(Handle), this);

        public Tensor cos() => Wrap(Native.gt_cos(Handle), this);

        public Tensor cos_() => Done(Native.gt_cos_(Handle), this);

        public Tensor cosh() => Wrap(Native.gt_cosh(Handle), this);

        public Tensor cosh_() => Done(Native.gt_cosh_(Handle), this);

        public Tensor deg2rad() => Wrap(Native.gt_deg2rad(Handle), this);

        public Tensor det() => Wrap(Native.gt_det(Handle), this);

        public Tensor erf() => Wrap(Native.gt_erf(Handle), this);

        public Tensor erf_() => Done(Native.gt_erf_(Handle), this);

        public Tensor erfc() => Wrap(Native.gt_erfc(Handle), this);

        public Tensor erfc_() => Done(Native.gt_erfc_(Handle), this);

        public Tensor erfinv() => Wrap(Native.gt_erfinv(Handle), this);

        public Tensor exp() => Wrap(Native.gt_exp(Handle), this);

        public Tensor exp_() => Done(Native.gt_exp_(Handle), this);

        public Tensor exp2() => Wrap(Native.gt_exp2(Handle), this);

        public Tensor exp2_() => Done(Native.gt_exp2_(Handle), this);

        public Tensor expm1() => Wrap(Native.gt_expm1(Handle), this);

        public Tensor expm1_() => Done(Native.gt_expm1_(Handle), this);

        public Tensor fliplr() => Wrap(Native.gt_fliplr(Handle), this);

        public Tensor flipud() => Wrap(Native.gt_flipud(Handle), this);

        public Tensor floor() => Wrap(Native.gt_floor(Handle), this);

        public Tensor floor_() => Done(Native.gt_floor_(Handle), this);

        public Tensor frac() => Wrap(Native.gt_frac(Handle), this);

        public Tensor frac_() => Done(Native.gt_frac_(Handle), this);

        public Tensor hardsigmoid() => Wrap(Native.gt_hardsigmoid(Handle), this);

        public Tensor hardsigmoid_() => Done(Native.gt_hardsigmoid_(Handle), this);

        public Tensor hardswish() => Wrap(Native.gt_hardswish(Handle), this);

        public Tensor hardswish_() => Done(Native.gt_hardswish_(Handle), this);

        public Tensor inverse() => Wrap(Native.gt_inverse(Handle), this);

        public Tensor isfinite() => Wrap(Native.gt_isfinite(Handle), this);

        public Tensor isinf() => Wrap(Native.gt_isinf(Handle), this);

        public Tensor isnan() => Wrap(Native.gt_isnan(Handle), this);

        public Tensor isneginf() => Wrap(Native.gt_isneginf(Handle), this);

        public Tensor isposinf() => Wrap(Native.gt_isposinf(Handle), this);

        public Tensor log() => Wrap(Native.gt_log(Handle), this);

        public Tensor log_() => Done(Native.gt_log_(Handle), this);

        public Tensor log10() => Wrap(Native.gt_log10(Handle), this);

        public Tensor log10_() => Done(Native.gt_log10_(Handle), this);

        public Tensor log1p() => Wrap(Native.gt_log1p(Handle), this);

        public Tensor log1p_() => Done(Native.gt_log1p_(Handle), this);

        public Tensor log2() => Wrap(Native.gt_log2(Handle), this);

        public Tensor log2_() => Done(Native.gt_log2_(Handle), this);

        public Tensor log_sigmoid() => Wrap(Native.gt_log_sigmoid(Handle), this);

        public Tensor logdet() => Wrap(Native.gt_logdet(Handle), this);

        public Tensor logical_not() => Wrap(Native.gt_logical_not(Handle), this);

        public Tensor matrix_exp() => Wrap(Native.gt_matrix_exp(Handle), this);

        public Tensor mish() => Wrap(Native.gt_mish(Handle), this);

        public Tensor mish_() => Done(Native.gt_mish_(Handle), this);

        public Tensor neg() => Wrap(Native.gt_neg(Handle), this);

        public Tensor neg_() => Done(Native.gt_neg_(Handle), this);

        public Tensor nonzero() => Wrap(Native.gt_nonzero(Handle), this);

        public Tensor positive() => Wrap(Native.gt_positive(Handle), this);

        public Tensor rad2deg() => Wrap(Native.gt_rad2deg(Handle), this);

        public Tensor ravel() => Wrap(Native.gt_ravel(Handle), this);

        public Tensor reciprocal() => Wrap(Native.gt_reciprocal(Handle), this);

        public Tensor reciprocal_() => Done(Native.gt_reciprocal_(Handle), this);

        public Tensor relu() => Wrap(Native.gt_relu(Handle), this);

        public Tensor relu_() => Done(Native.gt_relu_(Handle), this);

        public Tensor relu6() => Wrap(Native.gt_relu6(Handle), this);

        public Tensor rsqrt() => Wrap(Native.gt_rsqrt(Handle), this);

        public Tensor rsqrt_() => Done(Native.gt_rsqrt_(Handle), this);

        public Tensor selu() => Wrap(Native.gt_selu(Handle), this);

        public Tensor selu_() => Done(Native.gt_selu_(Handle), this);

        public Tensor sgn() => Wrap(Native.gt_sgn(Handle), this);

        public Tensor sigmoid() => Wrap(Native.gt_sigmoid(Handle), this);

        public Tensor sigmoid_() => Done(Native.gt_sigmoid_(Handle), this);

        public Tensor sign() => Wrap(Native.gt_sign(Handle), this);

        public Tensor signbit() => Wrap(Native.gt_signbit(Handle), this);

        public Tensor silu() => Wrap(Native.gt_silu(Handle), this);

        public Tensor silu_() => Done(Native.gt_silu_(Handle), this);

        public Tensor sin() => Wrap(Native.gt_sin(Handle), this);

        public Tensor sin_() => Done(Native.gt_sin_(Handle), this);

        public Tensor sinc() => Wrap(Native.gt_sinc(Handle), this);

        public Tensor sinh() => Wrap(Native.gt_sinh(Handle), this);

        public Tensor sinh_() => Done(Native.gt_sinh_(Handle), this);

        public Tensor sqrt() => Wrap(Native.gt_sqrt(Handle), this);

        public Tensor sqrt_() => Done(Native.gt_sqrt_(Handle), this);

        public Tensor square() => Wrap(Native.gt_square(Handle), this);

        public Tensor square_() => Done(Native.gt_square_(Handle), this);

        public Tensor t() => Wrap(Native.gt_t(Handle), this);

        public Tensor tan() => Wrap(Native.gt_tan(Handle), this);

        public Tensor tan_() => Done(Native.gt_tan_(Handle), this);

        public Tensor tanh() => Wrap(Native.gt_tanh(Handle), this);

        public Tensor tanh_() => Done(Native.gt_tanh_(Handle), this);

        public Tensor trace() => Wrap(Native.gt_trace(Handle), this);

        public Tensor trunc() => Wrap(Native.gt_trunc(Handle), this);

        public Tensor trunc_() => Done(Native.gt_trunc_(Handle), this);

        public Tensor zero_() => Done(Native.gt_zero_(Handle), this);

        public Tensor mT => Wrap(Native.gt_mT(Handle), this);

        public Tensor T => Wrap(Native.gt_t(Handle), this);

        public Tensor absolute() => abs();

        public Tensor negative() => neg();

        public Tensor fix() => trunc();

        public Tensor round(long decimals = 0L) => Wrap(decimals == 0 ? Native.gt_round(Handle) : Native.gt_round_decimals(Handle, decimals), this);

        public Tensor round_() => Done(Native.gt_round_(Handle), this);
    }
}
