using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>native/binary.cpp: functions of two.</summary>
internal static unsafe partial class Native
{
    [DllImport(Library)]
    internal static extern nint gt_mul(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_mul_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_mul_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_mul_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_div(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_div_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_div_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_div_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_pow(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_pow_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_pow_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_pow_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_fmod(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_fmod_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_fmod_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_fmod_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_remainder(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_remainder_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_remainder_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_remainder_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_floor_divide(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_floor_divide_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_floor_divide_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_floor_divide_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_eq(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_eq_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_eq_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_eq_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_ne(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_ne_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_ne_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_ne_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_lt(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_lt_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_lt_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_lt_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_le(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_le_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_le_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_le_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_gt(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_gt_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_gt_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_gt_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_ge(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_ge_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_ge_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_ge_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_logical_and(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_logical_and_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_logical_or(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_logical_or_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_logical_xor(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_logical_xor_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_bitwise_and(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_bitwise_and_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_bitwise_or(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_bitwise_or_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_bitwise_xor(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_bitwise_xor_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_atan2(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_atan2_(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_maximum(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_minimum(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_fmax(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_fmin(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_copysign(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_hypot(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_logaddexp(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_matmul(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_mm(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_bmm(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_mv(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_dot(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_outer(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_inner(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_kron(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_linalg_solve(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_add(nint a, nint b, ScalarValue alpha);

    [DllImport(Library)]
    internal static extern nint gt_add_scalar(nint a, ScalarValue b, ScalarValue alpha);

    [DllImport(Library)]
    internal static extern int gt_add_(nint a, nint b, ScalarValue alpha);

    [DllImport(Library)]
    internal static extern int gt_add_scalar_(nint a, ScalarValue b, ScalarValue alpha);

    [DllImport(Library)]
    internal static extern nint gt_sub(nint a, nint b);

    [DllImport(Library)]
    internal static extern nint gt_sub_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern int gt_sub_(nint a, nint b);

    [DllImport(Library)]
    internal static extern int gt_sub_scalar_(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_rsub_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_rdiv_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_rpow_scalar(nint a, ScalarValue b);

    [DllImport(Library)]
    internal static extern nint gt_div_mode(nint a, nint b, int mode);

    [DllImport(Library)]
    internal static extern nint gt_div_scalar_mode(nint a, ScalarValue b, int mode);

    [DllImport(Library)]
    internal static extern int gt_div_mode_(nint a, nint b, int mode);

    [DllImport(Library)]
    internal static extern int gt_div_scalar_mode_(nint a, ScalarValue b, int mode);

    [DllImport(Library)]
    internal static extern nint gt_addcmul(nint a, nint b, nint c, ScalarValue value);

    [DllImport(Library)]
    internal static extern int gt_addcmul_(nint a, nint b, nint c, ScalarValue value);

    [DllImport(Library)]
    internal static extern nint gt_addcdiv(nint a, nint b, nint c, ScalarValue value);

    [DllImport(Library)]
    internal static extern int gt_addcdiv_(nint a, nint b, nint c, ScalarValue value);

    [DllImport(Library)]
    internal static extern nint gt_lerp(nint a, nint b, nint weight);

    [DllImport(Library)]
    internal static extern nint gt_lerp_scalar(nint a, nint b, ScalarValue weight);

    [DllImport(Library)]
    internal static extern nint gt_addmm(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern int gt_addmm_(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern nint gt_baddbmm(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern int gt_baddbmm_(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern nint gt_addbmm(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern int gt_addbmm_(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern nint gt_addmv(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern int gt_addmv_(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern nint gt_addr(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern int gt_addr_(nint a, nint b, nint c, double beta, double alpha);

    [DllImport(Library)]
    internal static extern nint gt_einsum(byte* equation, Handles tensors);

    [DllImport(Library)]
    internal static extern nint gt_cdist(nint a, nint b, double p);

    [DllImport(Library)]
    internal static extern nint gt_isclose(nint a, nint b, double rtol, double atol, int equalNan);

    [DllImport(Library)]
    internal static extern int gt_allclose(nint a, nint b, double rtol, double atol, int equalNan, int* @out);

    [DllImport(Library)]
    internal static extern int gt_equal(nint a, nint b, int* @out);
}
