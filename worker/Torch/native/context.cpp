// The library's state: threads, gradients, devices, version.
#include "shim.h"
#include <torch/version.h>

using namespace shim;

GT_API int32_t gt_set_num_threads(int32_t count)
{
    return run("set_num_threads", [&] { at::set_num_threads(count); }, count);
}

GT_API int32_t gt_get_num_threads() { return at::get_num_threads(); }

GT_API int32_t gt_set_num_interop_threads(int32_t count)
{
    return run("set_num_interop_threads", [&] { at::set_num_interop_threads(count); }, count);
}

GT_API int32_t gt_get_num_interop_threads() { return static_cast<int32_t>(at::get_num_interop_threads()); }

// Gradient mode of this thread; returns what it was.
GT_API int32_t gt_set_grad_enabled(int32_t enabled)
{
    bool before = at::GradMode::is_enabled();
    at::GradMode::set_enabled(enabled != 0);
    return before ? 1 : 0;
}

GT_API int32_t gt_is_grad_enabled() { return at::GradMode::is_enabled() ? 1 : 0; }
GT_API void* gt_inference_mode(int32_t enabled) { return new c10::InferenceMode(enabled != 0); }
GT_API void gt_inference_mode_end(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }
GT_API int32_t gt_is_inference_mode() { return c10::InferenceMode::is_enabled() ? 1 : 0; }
GT_API int32_t gt_cuda_is_available() { return at::hasCUDA() ? 1 : 0; }
GT_API const char* gt_version() { return TORCH_VERSION; }
GT_API int32_t gt_has_fused_attention() { return compat::has_fused_attention ? 1 : 0; }
GT_API void gt_manual_seed(int64_t seed) { at::manual_seed(static_cast<uint64_t>(seed)); }

// What libtorch was built with and how many threads it uses, for people.
GT_API const char* gt_show_config()
{
    static thread_local std::string text;
    text = at::show_config() + at::get_parallel_info();
    return text.c_str();
}
