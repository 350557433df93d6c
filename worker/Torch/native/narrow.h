// Products of bfloat16 numbers where the processor has no instructions for them.
#pragma once
#include "compat.h"
#include <utility>

namespace narrow {

// Whether bfloat16 is multiplied at speed on this machine's CPU.
bool multiplies();

// libtorch would multiply such numbers one by one, and oneDNN refuses them: float32's vectors are many times faster.
inline bool widens(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kBFloat16 && !multiplies(); }

inline at::Tensor wide(const at::Tensor& tensor) { return tensor.to(at::kFloat); }

inline compat::optional<at::Tensor> wide(const compat::optional<at::Tensor>& tensor)
{
    return tensor.has_value() && tensor->defined() ? compat::optional<at::Tensor>(wide(*tensor)) : tensor;
}

// product(a, weight, bias), in float32 where those are bfloat16 and not multiplied at speed; the result is of their type.
template <class F>
at::Tensor product(F&& product, const at::Tensor& a, const at::Tensor& weight, const compat::optional<at::Tensor>& bias)
{
    if (!widens(a) || weight.scalar_type() != at::kBFloat16) {
        return product(a, weight, bias);
    }
    return product(wide(a), wide(weight), wide(bias)).to(at::kBFloat16);
}

}  // namespace narrow
