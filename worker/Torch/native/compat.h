// What differs between libtorch 1.13 and 2.x stands here and nowhere else.
#pragma once
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIndexing.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#define GT_TORCH_2 (TORCH_VERSION_MAJOR >= 2)

// Allocator::allocate is const up to 2.2; from 2.3 on an allocator also copies.
#define GT_ALLOCATOR_COPIES (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3))
#if GT_ALLOCATOR_COPIES
#define GT_ALLOCATE_CONST
#else
#define GT_ALLOCATE_CONST const
#endif

namespace compat {

template <class V>
using optional = c10::optional<V>;

inline const auto none = c10::nullopt;

// Whether libtorch brings its own fused attention (2.0 and newer).
constexpr bool has_fused_attention = GT_TORCH_2;

inline at::Tensor fused_attention(
    const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const optional<at::Tensor>& mask, bool causal, optional<double> scale)
{
#if GT_TORCH_2 && (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 1)
    return at::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, scale);
#elif GT_TORCH_2
    // 2.0 has no scale argument: it divides by sqrt(head size), so the query is scaled beforehand
    at::Tensor q = scale ? query * (*scale * std::sqrt(static_cast<double>(query.size(-1)))) : query;
    return at::scaled_dot_product_attention(q, key, value, mask, 0.0, causal);
#else
    TORCH_CHECK(false, "this libtorch has no fused attention");
#endif
}

// A slice of an index; ends may be absent.
inline at::indexing::Slice slice(optional<int64_t> start, optional<int64_t> stop, optional<int64_t> step)
{
#if GT_TORCH_2
    auto end = [](optional<int64_t> value) { return value ? optional<c10::SymInt>(c10::SymInt(*value)) : optional<c10::SymInt>(); };
    return at::indexing::Slice(end(start), end(stop), end(step));
#else
    return at::indexing::Slice(start, stop, step);
#endif
}

// One message without the C++ stack trace.
inline std::string message_of(const c10::Error& error)
{
    return error.what_without_backtrace();
}

}  // namespace compat
