using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Activations and the like, as methods.</summary>
    public sealed partial class Tensor
    {
        public Tensor gelu() => Wrap(Native.gt_gelu(Handle, 0), this);

        public Tensor leaky_relu(Scalar negative_slope) => Wrap(Native.gt_leaky_relu(Handle, negative_slope.Value.AsDouble), this);

        public Tensor hardtanh(Scalar min, Scalar max) => Wrap(Native.gt_hardtanh(Handle, min.Value, max.Value), this);

        public Tensor elu(double alpha = 1) => Wrap(Native.gt_elu(Handle, alpha), this);

        public Tensor softplus(double beta = 1, double threshold = 20) => Wrap(Native.gt_softplus(Handle, beta, threshold), this);

        public Tensor threshold(Scalar threshold, Scalar value) => Wrap(Native.gt_threshold(Handle, threshold.Value, value.Value), this);

        public Tensor glu(long dim = -1) => Wrap(Native.gt_glu(Handle, dim), this);

        public Tensor prelu(Tensor target) => Wrap(Native.gt_prelu(Handle, target.Handle), this, target);

        public Tensor softmax(long dim, ScalarType? dtype = null) => Wrap(Native.gt_softmax(Handle, dim, TypeOf(dtype)), this);

        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Wrap(Native.gt_log_softmax(Handle, dim, TypeOf(dtype)), this);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Wrap(Native.gt_clamp(Handle, Scalar.Of(min), Scalar.Of(max)), this);

        public Tensor clamp(Tensor? min = null, Tensor? max = null) => Wrap(Native.gt_clamp_tensor(Handle, HandleOf(min), HandleOf(max)), this, min, max);

        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Done(Native.gt_clamp_(Handle, Scalar.Of(min), Scalar.Of(max)), this);

        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Done(Native.gt_clamp_tensor_(Handle, HandleOf(min), HandleOf(max)), this, min, max);

        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);

        public Tensor clamp_min(Scalar min) => clamp(min, (Scalar?)null);

        public Tensor clamp_max(Scalar max) => clamp((Scalar?)null, max);

        public Tensor clamp_min_(Scalar min) => clamp_(min, (Scalar?)null);

        public Tensor clamp_max_(Scalar max) => clamp_((Scalar?)null, max);

        public Tensor nan_to_num(double nan = 0d, double? posinf = null, double? neginf = null) =>
            Wrap(Native.gt_nan_to_num(Handle, nan, posinf ?? 0, posinf.HasValue ? 1 : 0, neginf ?? 0, neginf.HasValue ? 1 : 0), this);
    }
}
