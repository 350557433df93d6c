namespace TorchSharp;

public static partial class torch
{
    public static Tensor abs(Tensor input) => input.abs();

    public static Tensor abs_(Tensor input) => input.abs_();

    public static Tensor acos(Tensor input) => input.acos();

    public static Tensor acos_(Tensor input) => input.acos_();

    public static Tensor acosh(Tensor input) => input.acosh();

    public static Tensor acosh_(Tensor input) => input.acosh_();

    public static Tensor argwhere(Tensor input) => input.argwhere();

    public static Tensor asin(Tensor input) => input.asin();

    public static Tensor asin_(Tensor input) => input.asin_();

    public static Tensor asinh(Tensor input) => input.asinh();

    public static Tensor asinh_(Tensor input) => input.asinh_();

    public static Tensor atan(Tensor input) => input.atan();

    public static Tensor atan_(Tensor input) => input.atan_();

    public static Tensor atanh(Tensor input) => input.atanh();

    public static Tensor atanh_(Tensor input) => input.atanh_();

    public static Tensor bitwise_not(Tensor input) => input.bitwise_not();

    public static Tensor ceil(Tensor input) => input.ceil();

    public static Tensor ceil_(Tensor input) => input.ceil_();

    public static Tensor cos(Tensor input) => input.cos();

    public static Tensor cos_(Tensor input) => input.cos_();

    public static Tensor cosh(Tensor input) => input.cosh();

    public static Tensor cosh_(Tensor input) => input.cosh_();

    public static Tensor deg2rad(Tensor input) => input.deg2rad();

    public static Tensor det(Tensor input) => input.det();

    public static Tensor erf(Tensor input) => input.erf();

    public static Tensor erf_(Tensor input) => input.erf_();

    public static Tensor erfc(Tensor input) => input.erfc();

    public static Tensor erfc_(Tensor input) => input.erfc_();

    public static Tensor erfinv(Tensor input) => input.erfinv();

    public static Tensor exp(Tensor input) => input.exp();

    public static Tensor exp_(Tensor input) => input.exp_();

    public static Tensor exp2(Tensor input) => input.exp2();

    public static Tensor exp2_(Tensor input) => input.exp2_();

    public static Tensor expm1(Tensor input) => input.expm1();

    public static Tensor expm1_(Tensor input) => input.expm1_();

    public static Tensor fliplr(Tensor input) => input.fliplr();

    public static Tensor flipud(Tensor input) => input.flipud();

    public static Tensor floor(Tensor input) => input.floor();

    public static Tensor floor_(Tensor input) => input.floor_();

    public static Tensor frac(Tensor input) => input.frac();

    public static Tensor frac_(Tensor input) => input.frac_();

    public static Tensor hardsigmoid(Tensor input) => input.hardsigmoid();

    public static Tensor hardsigmoid_(Tensor input) => input.hardsigmoid_();

    public static Tensor hardswish(Tensor input) => input.hardswish();

    public static Tensor hardswish_(Tensor input) => input.hardswish_();

    public static Tensor inverse(Tensor input) => input.inverse();

    public static Tensor isfinite(Tensor input) => input.isfinite();

    public static Tensor isinf(Tensor input) => input.isinf();

    public static Tensor isnan(Tensor input) => input.isnan();

    public static Tensor isneginf(Tensor input) => input.isneginf();

    public static Tensor isposinf(Tensor input) => input.isposinf();

    public static Tensor log(Tensor input) => input.log();

    public static Tensor log_(Tensor input) => input.log_();

    public static Tensor log10(Tensor input) => input.log10();

    public static Tensor log10_(Tensor input) => input.log10_();

    public static Tensor log1p(Tensor input) => input.log1p();

    public static Tensor log1p_(Tensor input) => input.log1p_();

    public static Tensor log2(Tensor input) => input.log2();

    public static Tensor log2_(Tensor input) => input.log2_();

    public static Tensor log_sigmoid(Tensor input) => input.log_sigmoid();

    public static Tensor logdet(Tensor input) => input.logdet();

    public static Tensor logical_not(Tensor input) => input.logical_not();

    public static Tensor matrix_exp(Tensor input) => input.matrix_exp();

    public static Tensor mish(Tensor input) => input.mish();

    public static Tensor mish_(Tensor input) => input.mish_();

    public static Tensor neg(Tensor input) => input.neg();

    public static Tensor neg_(Tensor input) => input.neg_();

    public static Tensor nonzero(Tensor input) => input.nonzero();

    public static Tensor positive(Tensor input) => input.positive();

    public static Tensor rad2deg(Tensor input) => input.rad2deg();

    public static Tensor ravel(Tensor input) => input.ravel();

    public static Tensor reciprocal(Tensor input) => input.reciprocal();

    public static Tensor reciprocal_(Tensor input) => input.reciprocal_();

    public static Tensor relu(Tensor input) => input.relu();

    public static Tensor relu_(Tensor input) => input.relu_();

    public static Tensor relu6(Tensor input) => input.relu6();

    public static Tensor rsqrt(Tensor input) => input.rsqrt();

    public static Tensor rsqrt_(Tensor input) => input.rsqrt_();

    public static Tensor selu(Tensor input) => input.selu();

    public static Tensor selu_(Tensor input) => input.selu_();

    public static Tensor sgn(Tensor input) => input.sgn();

    public static Tensor sigmoid(Tensor input) => input.sigmoid();

    public static Tensor sigmoid_(Tensor input) => input.sigmoid_();

    public static Tensor sign(Tensor input) => input.sign();

    public static Tensor signbit(Tensor input) => input.signbit();

    public static Tensor silu(Tensor input) => input.silu();

    public static Tensor sin(Tensor input) => input.sin();

    public static Tensor sin_(Tensor input) => input.sin_();

    public static Tensor sinc(Tensor input) => input.sinc();

    public static Tensor sinh(Tensor input) => input.sinh();

    public static Tensor sinh_(Tensor input) => input.sinh_();

    public static Tensor sqrt(Tensor input) => input.sqrt();

    public static Tensor sqrt_(Tensor input) => input.sqrt_();

    public static Tensor square(Tensor input) => input.square();

    public static Tensor square_(Tensor input) => input.square_();

    public static Tensor t(Tensor input) => input.t();

    public static Tensor tan(Tensor input) => input.tan();

    public static Tensor tan_(Tensor input) => input.tan_();

    public static Tensor tanh(Tensor input) => input.tanh();

    public static Tensor tanh_(Tensor input) => input.tanh_();

    public static Tensor trace(Tensor input) => input.trace();

    public static Tensor trunc(Tensor input) => input.trunc();

    public static Tensor trunc_(Tensor input) => input.trunc_();

    public static Tensor round(Tensor input, long decimals = 0L) => input.round(decimals);
}
