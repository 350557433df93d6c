using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Arithmetic with numbers and tensors; comparisons give tensors of booleans, so compare with null by <c>is null</c>.</summary>
    public sealed partial class Tensor
    {
        public static Tensor operator +(Tensor left, Tensor right) => Wrap(Native.gt_add(left.Handle, right.Handle, One), left, right);

        public static Tensor operator +(Tensor left, Scalar right) => Wrap(Native.gt_add_scalar(left.Handle, right.Value, One), left);

        public static Tensor operator +(Tensor left, int right) => Wrap(Native.gt_add_scalar(left.Handle, ScalarValue.Of((long)right), One), left);

        public static Tensor operator +(Tensor left, long right) => Wrap(Native.gt_add_scalar(left.Handle, ScalarValue.Of(right), One), left);

        public static Tensor operator +(Tensor left, float right) => Wrap(Native.gt_add_scalar(left.Handle, ScalarValue.Of((double)right), One), left);

        public static Tensor operator +(Tensor left, double right) => Wrap(Native.gt_add_scalar(left.Handle, ScalarValue.Of(right), One), left);

        public static Tensor operator +(Scalar left, Tensor right) => Wrap(Native.gt_add_scalar(right.Handle, left.Value, One), right);

        public static Tensor operator +(int left, Tensor right) => Wrap(Native.gt_add_scalar(right.Handle, ScalarValue.Of((long)left), One), right);

        public static Tensor operator +(long left, Tensor right) => Wrap(Native.gt_add_scalar(right.Handle, ScalarValue.Of(left), One), right);

        public static Tensor operator +(float left, Tensor right) => Wrap(Native.gt_add_scalar(right.Handle, ScalarValue.Of((double)left), One), right);

        public static Tensor operator +(double left, Tensor right) => Wrap(Native.gt_add_scalar(right.Handle, ScalarValue.Of(left), One), right);

        public static Tensor operator -(Tensor left, Tensor right) => Wrap(Native.gt_sub(left.Handle, right.Handle), left, right);

        public static Tensor operator -(Tensor left, Scalar right) => Wrap(Native.gt_sub_scalar(left.Handle, right.Value), left);

        public static Tensor operator -(Tensor left, int right) => Wrap(Native.gt_sub_scalar(left.Handle, ScalarValue.Of((long)right)), left);

        public static Tensor operator -(Tensor left, long right) => Wrap(Native.gt_sub_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator -(Tensor left, float right) => Wrap(Native.gt_sub_scalar(left.Handle, ScalarValue.Of((double)right)), left);

        public static Tensor operator -(Tensor left, double right) => Wrap(Native.gt_sub_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator -(Scalar left, Tensor right) => Wrap(Native.gt_rsub_scalar(right.Handle, left.Value), right);

        public static Tensor operator -(int left, Tensor right) => Wrap(Native.gt_rsub_scalar(right.Handle, ScalarValue.Of((long)left)), right);

        public static Tensor operator -(long left, Tensor right) => Wrap(Native.gt_rsub_scalar(right.Handle, ScalarValue.Of(left)), right);

        public static Tensor operator -(float left, Tensor right) => Wrap(Native.gt_rsub_scalar(right.Handle, ScalarValue.Of((double)left)), right);

        public static Tensor operator -(double left, Tensor right) => Wrap(Native.gt_rsub_scalar(right.Handle, ScalarValue.Of(left)), right);

        public static Tensor operator *(Tensor left, Tensor right) => Wrap(Native.gt_mul(left.Handle, right.Handle), left, right);

        public static Tensor operator *(Tensor left, Scalar right) => Wrap(Native.gt_mul_scalar(left.Handle, right.Value), left);

        public static Tensor operator *(Tensor left, int right) => Wrap(Native.gt_mul_scalar(left.Handle, ScalarValue.Of((long)right)), left);

        public static Tensor operator *(Tensor left, long right) => Wrap(Native.gt_mul_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator *(Tensor left, float right) => Wrap(Native.gt_mul_scalar(left.Handle, ScalarValue.Of((double)right)), left);

        public static Tensor operator *(Tensor left, double right) => Wrap(Native.gt_mul_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator *(Scalar left, Tensor right) => Wrap(Native.gt_mul_scalar(right.Handle, left.Value), right);

        public static Tensor operator *(int left, Tensor right) => Wrap(Native.gt_mul_scalar(right.Handle, ScalarValue.Of((long)left)), right);

        public static Tensor operator *(long left, Tensor right) => Wrap(Native.gt_mul_scalar(right.Handle, ScalarValue.Of(left)), right);

        public static Tensor operator *(float left, Tensor right) => Wrap(Native.gt_mul_scalar(right.Handle, ScalarValue.Of((double)left)), right);

        public static Tensor operator *(double left, Tensor right) => Wrap(Native.gt_mul_scalar(right.Handle, ScalarValue.Of(left)), right);

        public static Tensor operator /(Tensor left, Tensor right) => Wrap(Native.gt_div(left.Handle, right.Handle), left, right);

        public static Tensor operator /(Tensor left, Scalar right) => Wrap(Native.gt_div_scalar(left.Handle, right.Value), left);

        public static Tensor operator /(Tensor left, int right) => Wrap(Native.gt_div_scalar(left.Handle, ScalarValue.Of((long)right)), left);

        public static Tensor operator /(Tensor left, long right) => Wrap(Native.gt_div_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator /(Tensor left, float right) => Wrap(Native.gt_div_scalar(left.Handle, ScalarValue.Of((double)right)), left);

        public static Tensor operator /(Tensor left, double right) => Wrap(Native.gt_div_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator /(Scalar left, Tensor right) => Wrap(Native.gt_rdiv_scalar(right.Handle, left.Value), right);

        public static Tensor operator /(int left, Tensor right) => Wrap(Native.gt_rdiv_scalar(right.Handle, ScalarValue.Of((long)left)), right);

        public static Tensor operator /(long left, Tensor right) => Wrap(Native.gt_rdiv_scalar(right.Handle, ScalarValue.Of(left)), right);

        public static Tensor operator /(float left, Tensor right) => Wrap(Native.gt_rdiv_scalar(right.Handle, ScalarValue.Of((double)left)), right);

        public static Tensor operator /(double left, Tensor right) => Wrap(Native.gt_rdiv_scalar(right.Handle, ScalarValue.Of(left)), right);

        public static Tensor operator %(Tensor left, Tensor right) => Wrap(Native.gt_remainder(left.Handle, right.Handle), left, right);

        public static Tensor operator %(Tensor left, Scalar right) => Wrap(Native.gt_remainder_scalar(left.Handle, right.Value), left);

        public static Tensor operator %(Tensor left, int right) => Wrap(Native.gt_remainder_scalar(left.Handle, ScalarValue.Of((long)right)), left);

        public static Tensor operator %(Tensor left, long right) => Wrap(Native.gt_remainder_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator %(Tensor left, float right) => Wrap(Native.gt_remainder_scalar(left.Handle, ScalarValue.Of((double)right)), left);

        public static Tensor operator %(Tensor left, double right) => Wrap(Native.gt_remainder_scalar(left.Handle, ScalarValue.Of(right)), left);

        public static Tensor operator -(Tensor tensor) => tensor.neg();

        public static Tensor operator ~(Tensor left) => left.bitwise_not();

        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);

        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);

        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);

        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);

        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);

        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);

        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);

        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);

        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);

        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);

        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);

        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);

        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);

        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);

        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);

        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);

        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);

        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);

        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);

        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);

        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);

        public static implicit operator Tensor(int value) => tensor(value);

        public static implicit operator Tensor(long value) => tensor(value);

        public static implicit operator Tensor(float value) => tensor(value);

        public static implicit operator Tensor(double value) => tensor(value);

        public static implicit operator Tensor(bool value) => tensor(value);

        public static implicit operator Tensor(byte value) => tensor(value);

        public static implicit operator Tensor(short value) => tensor(value);

        public static implicit operator Tensor(Scalar value) => full(Array.Empty<long>(), value, value.Type);

        public static explicit operator float(Tensor value) => value.ToSingle();

        public static explicit operator double(Tensor value) => value.ToDouble();

        public static explicit operator int(Tensor value) => value.ToInt32();

        public static explicit operator long(Tensor value) => value.ToInt64();

        public static explicit operator bool(Tensor value) => value.ToBoolean();

        public static explicit operator byte(Tensor value) => value.ToByte();

        public override bool Equals(object? obj) => ReferenceEquals(this, obj) || (obj is Tensor tensor && Equals(tensor));

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
