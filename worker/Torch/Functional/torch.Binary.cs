namespace TorchSharp;

public static partial class torch
{
    public static Tensor mul(Tensor left, Tensor right) => left.mul(right);

    public static Tensor mul(Tensor left, Scalar right) => left.mul(right);

    public static Tensor pow(Tensor left, Tensor right) => left.pow(right);

    public static Tensor pow(Tensor left, Scalar right) => left.pow(right);

    public static Tensor fmod(Tensor left, Tensor right) => left.fmod(right);

    public static Tensor fmod(Tensor left, Scalar right) => left.fmod(right);

    public static Tensor remainder(Tensor left, Tensor right) => left.remainder(right);

    public static Tensor remainder(Tensor left, Scalar right) => left.remainder(right);

    public static Tensor floor_divide(Tensor left, Tensor right) => left.floor_divide(right);

    public static Tensor floor_divide(Tensor left, Scalar right) => left.floor_divide(right);

    public static Tensor eq(Tensor left, Tensor right) => left.eq(right);

    public static Tensor eq(Tensor left, Scalar right) => left.eq(right);

    public static Tensor ne(Tensor left, Tensor right) => left.ne(right);

    public static Tensor ne(Tensor left, Scalar right) => left.ne(right);

    public static Tensor lt(Tensor left, Tensor right) => left.lt(right);

    public static Tensor lt(Tensor left, Scalar right) => left.lt(right);

    public static Tensor le(Tensor left, Tensor right) => left.le(right);

    public static Tensor le(Tensor left, Scalar right) => left.le(right);

    public static Tensor gt(Tensor left, Tensor right) => left.gt(right);

    public static Tensor gt(Tensor left, Scalar right) => left.gt(right);

    public static Tensor ge(Tensor left, Tensor right) => left.ge(right);

    public static Tensor ge(Tensor left, Scalar right) => left.ge(right);

    public static Tensor logical_and(Tensor left, Tensor right) => left.logical_and(right);

    public static Tensor logical_or(Tensor left, Tensor right) => left.logical_or(right);

    public static Tensor logical_xor(Tensor left, Tensor right) => left.logical_xor(right);

    public static Tensor bitwise_and(Tensor left, Tensor right) => left.bitwise_and(right);

    public static Tensor bitwise_or(Tensor left, Tensor right) => left.bitwise_or(right);

    public static Tensor bitwise_xor(Tensor left, Tensor right) => left.bitwise_xor(right);

    public static Tensor atan2(Tensor left, Tensor right) => left.atan2(right);

    public static Tensor maximum(Tensor left, Tensor right) => left.maximum(right);

    public static Tensor minimum(Tensor left, Tensor right) => left.minimum(right);

    public static Tensor fmax(Tensor left, Tensor right) => left.fmax(right);

    public static Tensor fmin(Tensor left, Tensor right) => left.fmin(right);

    public static Tensor copysign(Tensor left, Tensor right) => left.copysign(right);

    public static Tensor hypot(Tensor left, Tensor right) => left.hypot(right);

    public static Tensor logaddexp(Tensor left, Tensor right) => left.logaddexp(right);

    public static Tensor matmul(Tensor left, Tensor right) => left.matmul(right);

    public static Tensor mm(Tensor left, Tensor right) => left.mm(right);

    public static Tensor bmm(Tensor left, Tensor right) => left.bmm(right);

    public static Tensor mv(Tensor left, Tensor right) => left.mv(right);

    public static Tensor dot(Tensor left, Tensor right) => left.dot(right);

    public static Tensor outer(Tensor left, Tensor right) => left.outer(right);

    public static Tensor inner(Tensor left, Tensor right) => left.inner(right);

    public static Tensor kron(Tensor left, Tensor right) => left.kron(right);

    public static Tensor addmm(Tensor input, Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => input.addmm(mat1, mat2, beta, alpha);

    public static Tensor baddbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => input.baddbmm(batch1, batch2, beta, alpha);

    public static Tensor addbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => input.addbmm(batch1, batch2, beta, alpha);

    public static Tensor add(Tensor left, Tensor right) => left.add(right);

    public static Tensor add(Tensor left, Scalar right) => left.add(right);

    public static Tensor sub(Tensor left, Tensor right) => left.sub(right);

    public static Tensor sub(Tensor left, Scalar right) => left.sub(right);

    public static Tensor subtract(Tensor left, Tensor right) => left.subtract(right);

    public static Tensor subtract(Tensor left, Scalar right) => left.subtract(right);

    public static Tensor multiply(Tensor left, Tensor right) => left.multiply(right);

    public static Tensor multiply(Tensor left, Scalar right) => left.multiply(right);

    public static Tensor add(Tensor left, Tensor right, Scalar alpha) => left.add(right, alpha);

    public static Tensor div(Tensor left, Tensor right, RoundingMode rounding_mode = RoundingMode.None) => left.div(right, rounding_mode);

    public static Tensor div(Tensor left, Scalar right, RoundingMode rounding_mode = RoundingMode.None) => left.div(right, rounding_mode);

    public static Tensor divide(Tensor left, Tensor right, RoundingMode rounding_mode = RoundingMode.None) => left.divide(right, rounding_mode);

    public static Tensor divide(Tensor left, Scalar right, RoundingMode rounding_mode = RoundingMode.None) => left.divide(right, rounding_mode);

    public static Tensor true_divide(Tensor left, Tensor right) => left.div(right);

    public static Tensor not_equal(Tensor left, Tensor right) => left.ne(right);

    public static Tensor greater(Tensor left, Tensor right) => left.gt(right);

    public static Tensor greater_equal(Tensor left, Tensor right) => left.ge(right);

    public static Tensor less(Tensor left, Tensor right) => left.lt(right);

    public static Tensor less_equal(Tensor left, Tensor right) => left.le(right);

    public static Tensor addcmul(Tensor input, Tensor tensor1, Tensor tensor2, Scalar value) => input.addcmul(tensor1, tensor2, value);

    public static Tensor addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, Scalar value) => input.addcdiv(tensor1, tensor2, value);

    public static Tensor lerp(Tensor input, Tensor end, Scalar weight) => input.lerp(end, weight);

    public static Tensor lerp(Tensor input, Tensor end, Tensor weight) => input.lerp(end, weight);

    public static Tensor isclose(Tensor tensor, Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) => tensor.isclose(other, rtol, atol, nanEqual);

    public static bool allclose(Tensor tensor, Tensor other, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) => tensor.allclose(other, rtol, atol, equal_nan);
}
