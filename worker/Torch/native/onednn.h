// What differs between oneDNN 2 and 3 stands here and nowhere else.
#pragma once
#include <dnnl.hpp>

namespace onednn {

using dims = dnnl::memory::dims;
using desc = dnnl::memory::desc;

inline dnnl::engine& cpu()
{
    static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

inline dnnl::stream& stream()
{
    static thread_local dnnl::stream stream(cpu());
    return stream;
}

// oneDNN computes in bfloat16 from AVX-512 on; ONEDNN_MAX_CPU_ISA may leave it less than the processor has.
inline bool takes_bfloat16()
{
    const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
    return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & needed) == needed;
}

// An empty description stands for no bias.
inline bool bias_given(const desc& bias)
{
#if DNNL_VERSION_MAJOR >= 3
    return bias.get_ndims() != 0;
#else
    return bias.data.ndims != 0;
#endif
}

// GELU by the error function.
inline void append_gelu(dnnl::post_ops& after)
{
#if DNNL_VERSION_MAJOR >= 3
    after.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
#else
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
#endif
}

inline dnnl::convolution_forward::primitive_desc convolution(
    const desc& source, const desc& weight, const desc& bias, const desc& out, const dims& stride, const dims& padding_before,
    const dims& padding_after, const dnnl::primitive_attr& attributes)
{
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    constexpr auto direct = dnnl::algorithm::convolution_direct;
    const bool biased = bias_given(bias);
#if DNNL_VERSION_MAJOR >= 3
    return biased ? dnnl::convolution_forward::primitive_desc(cpu(), kind, direct, source, weight, bias, out, stride, padding_before, padding_after, attributes)
                  : dnnl::convolution_forward::primitive_desc(cpu(), kind, direct, source, weight, out, stride, padding_before, padding_after, attributes);
#else
    using operation = dnnl::convolution_forward::desc;
    return {
        biased ? operation(kind, direct, source, weight, bias, out, stride, padding_before, padding_after)
               : operation(kind, direct, source, weight, out, stride, padding_before, padding_after),
        attributes, cpu()};
#endif
}

inline dnnl::inner_product_forward::primitive_desc inner_product(
    const desc& source, const desc& weight, const desc& bias, const desc& out, const dnnl::primitive_attr& attributes)
{
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    const bool biased = bias_given(bias);
#if DNNL_VERSION_MAJOR >= 3
    return biased ? dnnl::inner_product_forward::primitive_desc(cpu(), kind, source, weight, bias, out, attributes)
                  : dnnl::inner_product_forward::primitive_desc(cpu(), kind, source, weight, out, attributes);
#else
    using operation = dnnl::inner_product_forward::desc;
    return {biased ? operation(kind, source, weight, bias, out) : operation(kind, source, weight, out), attributes, cpu()};
#endif
}

}  // namespace onednn
