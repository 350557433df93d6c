// The library's state: threads, gradients, devices, version.
#include "shim.h"
#include <torch/version.h>

#include <sched.h>
#include <fstream>
#include <set>

using namespace shim;

namespace {

// Physical cores that this process may use: its affinity, one thread a core, and the share of time that its control group gives.
int allotted_cores()
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return at::get_num_threads();
    }
    std::set<std::string> cores;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) {
            continue;
        }
        std::ifstream siblings("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
        std::string core;
        if (!(siblings >> core)) {
            core = std::to_string(cpu);
        }
        cores.insert(core);
    }
    int count = std::max(1, static_cast<int>(cores.size()));
    std::ifstream limit("/sys/fs/cgroup/cpu.max");
    double quota = 0, period = 0;
    if (limit >> quota >> period && quota > 0 && period > 0) {
        count = std::min(count, std::max(1, static_cast<int>(quota / period + 0.5)));
    }
    return count;
}

// libtorch 1.13 as Debian builds it begins with one thread. OMP_NUM_THREADS stands where it is given.
[[maybe_unused]] const bool threads_chosen = [] {
    if (std::getenv("OMP_NUM_THREADS") == nullptr) {
        at::set_num_threads(allotted_cores());
    }
    return true;
}();

}  // namespace

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
