using Generation.Torch.Interop;
using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static unsafe partial class functional
            {
                public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : x.relu();

                public static Tensor relu6(Tensor x, bool inplace = false) => x.relu6();

                public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_() : x.silu();

                public static Tensor mish(Tensor x, bool inplace = false) => inplace ? x.mish_() : x.mish();

                public static Tensor gelu(Tensor x) => x.gelu();

                public static Tensor gelu(Tensor x, GELU.Approximate approximate, bool inplace = false) =>
                    Tensor.Wrap(Native.gt_gelu(x.Handle, approximate == GELU.Approximate.tanh ? 1 : 0), x);

                public static Tensor sigmoid(Tensor input) => input.sigmoid();

                public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_() : x.tanh();

                public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                    inplace
                        ? Tensor.Done(Native.gt_leaky_relu_(input.Handle, negative_slope), input)
                        : Tensor.Wrap(Native.gt_leaky_relu(input.Handle, negative_slope), input);

                public static Tensor prelu(Tensor input, Tensor weight) => input.prelu(weight);

                public static Tensor hardtanh(Tensor x, double min_val = -1.0, double max_val = 1.0, bool inplace = false) => x.hardtanh(min_val, max_val);

                public static Tensor hardswish(Tensor x, bool inplace = false) => inplace ? x.hardswish_() : x.hardswish();

                public static Tensor hardsigmoid(Tensor x, bool inplace = false) => inplace ? x.hardsigmoid_() : x.hardsigmoid();

                public static Tensor elu(Tensor x, double alpha, bool inplace = false) => x.elu(alpha);

                public static Tensor selu(Tensor x, bool inplace = false) => inplace ? x.selu_() : x.selu();

                public static Tensor softplus(Tensor x, double beta = 1.0, double threshold = 20.0) => x.softplus(beta, threshold);

                public static Tensor glu(Tensor input, long dim = -1) => input.glu(dim);

                public static Tensor logsigmoid(Tensor x) => x.log_sigmoid();

                public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

                public static Tensor log_softmax(Tensor input, long dim, ScalarType? dtype = null) => input.log_softmax(dim, dtype);
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>The names that torch.nn.functional.gelu takes; modules themselves are not part of this binding.</summary>
    public static class GELU
    {
        public enum Approximate
        {
            none,
            tanh,
        }
    }
}
