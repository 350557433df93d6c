using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Functions of two tensors, or of a tensor and a number.</summary>
    public sealed partial class Tensor
    {
        private static readonly ScalarValue One = ScalarValue.Of(1L);

        public Tensor mul(Tensor target) => Wrap(Native.gt_mul(Handle, target.Handle), this, target);

        public Tensor mul(Scalar scalar) => Wrap(Native.gt_mul_scalar(Handle, scalar.Value), this);

        public Tensor mul_(Tensor target) => Done(Native.gt_mul_(Handle, target.Handle), this, target);

        public Tensor mul_(Scalar scalar) => Done(Native.gt_mul_scalar_(Handle, scalar.Value), this);

        public Tensor pow(Tensor target) => Wrap(Native.gt_pow(Handle, target.Handle), this, target);

        public Tensor pow(Scalar scalar) => Wrap(Native.gt_pow_scalar(Handle, scalar.Value), this);

        public Tensor pow_(Tensor target) => Done(Native.gt_pow_(Handle, target.Handle), this, target);

        public Tensor pow_(Scalar scalar) => Done(Native.gt_pow_scalar_(Handle, scalar.Value), this);

        public Tensor fmod(Tensor target) => Wrap(Native.gt_fmod(Handle, target.Handle), this, target);

        public Tensor fmod(Scalar scalar) => Wrap(Native.gt_fmod_scalar(Handle, scalar.Value), this);

        public Tensor fmod_(Tensor target) => Done(Native.gt_fmod_(Handle, target.Handle), this, target);

        public Tensor fmod_(Scalar scalar) => Done(Native.gt_fmod_scalar_(Handle, scalar.Value), this);

        public Tensor remainder(Tensor target) => Wrap(Native.gt_remainder(Handle, target.Handle), this, target);

        public Tensor remainder(Scalar scalar) => Wrap(Native.gt_remainder_scalar(Handle, scalar.Value), this);

        public Tensor remainder_(Tensor target) => Done(Native.gt_remainder_(Handle, target.Handle), this, target);

        public Tensor remainder_(Scalar scalar) => Done(Native.gt_remainder_scalar_(Handle, scalar.Value), this);

        public Tensor floor_divide(Tensor target) => Wrap(Native.gt_floor_divide(Handle, target.Handle), this, target);

        public Tensor floor_divide(Scalar scalar) => Wrap(Native.gt_floor_divide_scalar(Handle, scalar.Value), this);

        public Tensor floor_divide_(Tensor target) => Done(Native.gt_floor_divide_(Handle, target.Handle), this, target);

        public Tensor floor_divide_(Scalar scalar) => Done(Native.gt_floor_divide_scalar_(Handle, scalar.Value), this);

        public Tensor eq(Tensor target) => Wrap(Native.gt_eq(Handle, target.Handle), this, target);

        public Tensor eq(Scalar scalar) => Wrap(Native.gt_eq_scalar(Handle, scalar.Value), this);

        public Tensor eq_(Tensor target) => Done(Native.gt_eq_(Handle, target.Handle), this, target);

        public Tensor eq_(Scalar scalar) => Done(Native.gt_eq_scalar_(Handle, scalar.Value), this);

        public Tensor ne(Tensor target) => Wrap(Native.gt_ne(Handle, target.Handle), this, target);

        public Tensor ne(Scalar scalar) => Wrap(Native.gt_ne_scalar(Handle, scalar.Value), this);

        public Tensor ne_(Tensor target) => Done(Native.gt_ne_(Handle, target.Handle), this, target);

        public Tensor ne_(Scalar scalar) => Done(Native.gt_ne_scalar_(Handle, scalar.Value), this);

        public Tensor lt(Tensor target) => Wrap(Native.gt_lt(Handle, target.Handle), this, target);

        public Tensor lt(Scalar scalar) => Wrap(Native.gt_lt_scalar(Handle, scalar.Value), this);

        public Tensor lt_(Tensor target) => Done(Native.gt_lt_(Handle, target.Handle), this, target);

        public Tensor lt_(Scalar scalar) => Done(Native.gt_lt_scalar_(Handle, scalar.Value), this);

        public Tensor le(Tensor target) => Wrap(Native.gt_le(Handle, target.Handle), this, target);

        public Tensor le(Scalar scalar) => Wrap(Native.gt_le_scalar(Handle, scalar.Value), this);

        public Tensor le_(Tensor target) => Done(Native.gt_le_(Handle, target.Handle), this, target);

        public Tensor le_(Scalar scalar) => Done(Native.gt_le_scalar_(Handle, scalar.Value), this);

        public Tensor gt(Tensor target) => Wrap(Native.gt_gt(Handle, target.Handle), this, target);

        public Tensor gt(Scalar scalar) => Wrap(Native.gt_gt_scalar(Handle, scalar.Value), this);

        public Tensor gt_(Tensor target) => Done(Native.gt_gt_(Handle, target.Handle), this, target);

        public Tensor gt_(Scalar scalar) => Done(Native.gt_gt_scalar_(Handle, scalar.Value), this);

        public Tensor ge(Tensor target) => Wrap(Native.gt_ge(Handle, target.Handle), this, target);

        public Tensor ge(Scalar scalar) => Wrap(Native.gt_ge_scalar(Handle, scalar.Value), this);

        public Tensor ge_(Tensor target) => Done(Native.gt_ge_(Handle, target.Handle), this, target);

        public Tensor ge_(Scalar scalar) => Done(Native.gt_ge_scalar_(Handle, scalar.Value), this);

        public Tensor logical_and(Tensor other) => Wrap(Native.gt_logical_and(Handle, other.Handle), this, other);

        public Tensor logical_and_(Tensor other) => Done(Native.gt_logical_and_(Handle, other.Handle), this, other);

        public Tensor logical_or(Tensor other) => Wrap(Native.gt_logical_or(Handle, other.Handle), this, other);

        public Tensor logical_or_(Tensor other) => Done(Native.gt_logical_or_(Handle, other.Handle), this, other);

        public Tensor logical_xor(Tensor other) => Wrap(Native.gt_logical_xor(Handle, other.Handle), this, other);

        public Tensor logical_xor_(Tensor other) => Done(Native.gt_logical_xor_(Handle, other.Handle), this, other);

        public Tensor bitwise_and(Tensor other) => Wrap(Native.gt_bitwise_and(Handle, other.Handle), this, other);

        public Tensor bitwise_and_(Tensor other) => Done(Native.gt_bitwise_and_(Handle, other.Handle), this, other);

        public Tensor bitwise_or(Tensor other) => Wrap(Native.gt_bitwise_or(Handle, other.Handle), this, other);

        public Tensor bitwise_or_(Tensor other) => Done(Native.gt_bitwise_or_(Handle, other.Handle), this, other);

        public Tensor bitwise_xor(Tensor other) => Wrap(Native.gt_bitwise_xor(Handle, other.Handle), this, other);

        public Tensor bitwise_xor_(Tensor other) => Done(Native.gt_bitwise_xor_(Handle, other.Handle), this, other);

        public Tensor atan2(Tensor other) => Wrap(Native.gt_atan2(Handle, other.Handle), this, other);

        public Tensor atan2_(Tensor other) => Done(Native.gt_atan2_(Handle, other.Handle), this, other);

        public Tensor maximum(Tensor other) => Wrap(Native.gt_maximum(Handle, other.Handle), this, other);

        public Tensor minimum(Tensor other) => Wrap(Native.gt_minimum(Handle, other.Handle), this, other);

        public Tensor fmax(Tensor other) => Wrap(Native.gt_fmax(Handle, other.Handle), this, other);

        public Tensor fmin(Tensor other) => Wrap(Native.gt_fmin(Handle, other.Handle), this, other);

        public Tensor copysign(Tensor other) => Wrap(Native.gt_copysign(Handle, other.Handle), this, other);

        public Tensor hypot(Tensor other) => Wrap(Native.gt_hypot(Handle, other.Handle), this, other);

        public Tensor logaddexp(Tensor other) => Wrap(Native.gt_logaddexp(Handle, other.Handle), this, other);

        public Tensor matmul(Tensor other) => Wrap(Native.gt_matmul(Handle, other.Handle), this, other);

        public Tensor mm(Tensor other) => Wrap(Native.gt_mm(Handle, other.Handle), this, other);

        public Tensor bmm(Tensor other) => Wrap(Native.gt_bmm(Handle, other.Handle), this, other);

        public Tensor mv(Tensor other) => Wrap(Native.gt_mv(Handle, other.Handle), this, other);

        public Tensor dot(Tensor other) => Wrap(Native.gt_dot(Handle, other.Handle), this, other);

        public Tensor outer(Tensor other) => Wrap(Native.gt_outer(Handle, other.Handle), this, other);

        public Tensor inner(Tensor other) => Wrap(Native.gt_inner(Handle, other.Handle), this, other);

        public Tensor kron(Tensor other) => Wrap(Native.gt_kron(Handle, other.Handle), this, other);

        public Tensor add(Tensor target) => Wrap(Native.gt_add(Handle, target.Handle, One), this, target);

        public Tensor add(Tensor target, Scalar alpha) => Wrap(Native.gt_add(Handle, target.Handle, alpha.Value), this, target);

        public Tensor add(Scalar scalar) => Wrap(Native.gt_add_scalar(Handle, scalar.Value, One), this);

        public Tensor add(Scalar scalar, Scalar alpha) => Wrap(Native.gt_add_scalar(Handle, scalar.Value, alpha.Value), this);

        public Tensor add_(Tensor target) => Done(Native.gt_add_(Handle, target.Handle, One), this, target);

        public Tensor add_(Tensor target, Scalar alpha) => Done(Native.gt_add_(Handle, target.Handle, alpha.Value), this, target);

        public Tensor add_(Scalar scalar) => Done(Native.gt_add_scalar_(Handle, scalar.Value, One), this);

        public Tensor add_(Scalar scalar, Scalar alpha) => Done(Native.gt_add_scalar_(Handle, scalar.Value, alpha.Value), this);

        public Tensor sub(Tensor target) => Wrap(Native.gt_sub(Handle, target.Handle), this, target);

        public Tensor sub(Scalar target) => Wrap(Native.gt_sub_scalar(Handle, target.Value), this);

        public Tensor sub_(Tensor target) => Done(Native.gt_sub_(Handle, target.Handle), this, target);

        public Tensor sub_(Scalar target) => Done(Native.gt_sub_scalar_(Handle, target.Value), this);

        public Tensor subtract(Tensor target) => sub(target);

        public Tensor subtract(Scalar target) => sub(target);

        public Tensor multiply(Tensor target) => mul(target);

        public Tensor multiply(Scalar target) => mul(target);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Wrap(rounding_mode == RoundingMode.None ? Native.gt_div(Handle, target.Handle) : Native.gt_div_mode(Handle, target.Handle, (int)rounding_mode), this, target);

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Wrap(rounding_mode == RoundingMode.None ? Native.gt_div_scalar(Handle, target.Value) : Native.gt_div_scalar_mode(Handle, target.Value, (int)rounding_mode), this);

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Done(rounding_mode == RoundingMode.None ? Native.gt_div_(Handle, target.Handle) : Native.gt_div_mode_(Handle, target.Handle, (int)rounding_mode), this, target);

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Done(rounding_mode == RoundingMode.None ? Native.gt_div_scalar_(Handle, target.Value) : Native.gt_div_scalar_mode_(Handle, target.Value, (int)rounding_mode), this);

        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);

        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);

        public Tensor true_divide(Tensor other) => div(other);

        public Tensor true_divide(Scalar other) => div(other);

        public Tensor not_equal(Tensor target) => ne(target);

        public Tensor greater(Tensor target) => gt(target);

        public Tensor greater_equal(Tensor target) => ge(target);

        public Tensor less(Tensor target) => lt(target);

        public Tensor less_equal(Tensor target) => le(target);

        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => Wrap(Native.gt_addcmul(Handle, tensor1.Handle, tensor2.Handle, value.Value), this, tensor1, tensor2);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Done(Native.gt_addcmul_(Handle, tensor1.Handle, tensor2.Handle, value.Value), this, tensor1, tensor2);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => Wrap(Native.gt_addcdiv(Handle, tensor1.Handle, tensor2.Handle, value.Value), this, tensor1, tensor2);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => Wrap(Native.gt_addcdiv(Handle, tensor1.Handle, tensor2.Handle, One), this, tensor1, tensor2);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Done(Native.gt_addcdiv_(Handle, tensor1.Handle, tensor2.Handle, value.Value), this, tensor1, tensor2);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => Done(Native.gt_addcdiv_(Handle, tensor1.Handle, tensor2.Handle, One), this, tensor1, tensor2);

        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) => Wrap(Native.gt_isclose(Handle, other.Handle, rtol, atol, nanEqual ? 1 : 0), this, other);

        public Tensor lerp(Tensor end, Tensor weight) => Wrap(Native.gt_lerp(Handle, end.Handle, weight.Handle), this, end, weight);

        public Tensor lerp(Tensor end, Scalar weight) => Wrap(Native.gt_lerp_scalar(Handle, end.Handle, weight.Value), this, end);

        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Wrap(Native.gt_addmm(Handle, mat1.Handle, mat2.Handle, beta, alpha), this, mat1, mat2);

        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Done(Native.gt_addmm_(Handle, mat1.Handle, mat2.Handle, beta, alpha), this, mat1, mat2);

        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Wrap(Native.gt_baddbmm(Handle, batch1.Handle, batch2.Handle, beta, alpha), this, batch1, batch2);

        public Tensor baddbmm_(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Done(Native.gt_baddbmm_(Handle, batch1.Handle, batch2.Handle, beta, alpha), this, batch1, batch2);

        public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Wrap(Native.gt_addbmm(Handle, batch1.Handle, batch2.Handle, beta, alpha), this, batch1, batch2);

        public Tensor addbmm_(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Done(Native.gt_addbmm_(Handle, batch1.Handle, batch2.Handle, beta, alpha), this, batch1, batch2);

        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1.0f, float alpha = 1.0f) => Wrap(Native.gt_addmv(Handle, mat.Handle, vec.Handle, beta, alpha), this, mat, vec);

        public Tensor addr(Tensor vec1, Tensor vec2, float beta = 1.0f, float alpha = 1.0f) => Wrap(Native.gt_addr(Handle, vec1.Handle, vec2.Handle, beta, alpha), this, vec1, vec2);

        public unsafe bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false)
        {
            int close;
            Done(Native.gt_allclose(Handle, target.Handle, rtol, atol, equal_nan ? 1 : 0, &close), this, target);
            return close != 0;
        }
        /// <summary>Whether shapes, types and all elements are equal.</summary>
        public unsafe bool Equals(Tensor? target)
        {
            if (target is null || target.dtype != dtype)
            {
                return false;
            }

            int equal;
            Done(Native.gt_equal(Handle, target.Handle, &equal), this, target);
            return equal != 0;
        }

        public Tensor equal(Tensor target) => eq(target);
    }
}
