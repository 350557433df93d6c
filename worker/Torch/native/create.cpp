// Tensors from nothing, from numbers and from foreign memory.
#include "shim.h"

using namespace shim;

#define OPTIONS int32_t dtype, int32_t device_type, int32_t device_index
#define MADE_OF options(dtype, device_type, device_index)

GT_API T gt_empty(Longs size, OPTIONS) { return make("empty", [&] { return at::empty(list(size), MADE_OF); }, size); }
GT_API T gt_zeros(Longs size, OPTIONS) { return make("zeros", [&] { return at::zeros(list(size), MADE_OF); }, size); }
GT_API T gt_ones(Longs size, OPTIONS) { return make("ones", [&] { return at::ones(list(size), MADE_OF); }, size); }

GT_API T gt_full(Longs size, Scalar value, OPTIONS)
{
    return make("full", [&] { return at::full(list(size), number(value), MADE_OF); }, size, value);
}

GT_API T gt_empty_strided(Longs size, Longs strides, OPTIONS)
{
    return make("empty_strided", [&] { return at::empty_strided(list(size), list(strides), MADE_OF); }, size, strides);
}

GT_API T gt_arange(Scalar start, Scalar end, Scalar step, OPTIONS)
{
    return make("arange", [&] { return at::arange(number(start), number(end), number(step), MADE_OF); }, start, end, step);
}

GT_API T gt_linspace(double start, double end, int64_t steps, OPTIONS)
{
    return make("linspace", [&] { return at::linspace(start, end, steps, MADE_OF); }, start, end, steps);
}

GT_API T gt_logspace(double start, double end, int64_t steps, double base, OPTIONS)
{
    return make("logspace", [&] { return at::logspace(start, end, steps, base, MADE_OF); }, start, end, steps, base);
}

GT_API T gt_eye(int64_t rows, int64_t columns, OPTIONS)
{
    return make("eye", [&] { return at::eye(rows, columns, MADE_OF); }, rows, columns);
}

GT_API T gt_empty_like(T a, OPTIONS) { return make("empty_like", [&] { return at::empty_like(*a, MADE_OF); }, a); }
GT_API T gt_zeros_like(T a, OPTIONS) { return make("zeros_like", [&] { return at::zeros_like(*a, MADE_OF); }, a); }
GT_API T gt_ones_like(T a, OPTIONS) { return make("ones_like", [&] { return at::ones_like(*a, MADE_OF); }, a); }

GT_API T gt_full_like(T a, Scalar value, OPTIONS)
{
    return make("full_like", [&] { return at::full_like(*a, number(value), MADE_OF); }, a, value);
}

// Copies count bytes, elements of `source_dtype` in row-major order, into a new tensor of `dtype`.
GT_API T gt_from_bytes(const void* source, int32_t source_dtype, Longs size, OPTIONS)
{
    return make(
        "tensor",
        [&] {
            at::Tensor made = at::empty(list(size), at::TensorOptions().dtype(static_cast<at::ScalarType>(source_dtype)));
            if (made.numel() > 0) {
                std::memcpy(made.data_ptr(), source, made.nbytes());
            }
            return made.to(device(device_type, device_index).value_or(at::kCPU), type(dtype).value_or(made.scalar_type()));
        },
        size);
}

// A tensor over memory that someone else owns; release(context) runs when its last view is gone.
GT_API T gt_from_memory(void* memory, Longs size, Longs strides, int32_t dtype, void* context, void (*release)(void*))
{
    return make(
        "from_memory",
        [&] {
            auto deleter = [release, context](void*) {
                if (release != nullptr) {
                    release(context);
                }
            };
            at::TensorOptions made_of = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
            return strides.data == nullptr ? at::from_blob(memory, list(size), deleter, made_of)
                                           : at::from_blob(memory, list(size), list(strides), deleter, made_of);
        },
        size);
}
