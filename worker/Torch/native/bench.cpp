// The same calls in a C++ loop, for the benchmark that says what a call from C# costs more.
#include "cpu.h"
#include "peak/peak.h"
#include "shim.h"
#include <chrono>
#include <map>
#include <mutex>

// Nanoseconds for `count` additions of a and b, each result released before the next.
GT_API double gt_bench_add(T a, T b, int64_t count)
{
    auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < count; i++) {
        at::Tensor sum = at::add(*a, *b, 1);
    }
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// Nanoseconds for `count` views of a in the shape of b's transposed.
GT_API double gt_bench_transpose(T a, int64_t count)
{
    auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < count; i++) {
        at::Tensor view = a->transpose(0, 1);
    }
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// The best multiply-add loop of this processor in operations a second over libtorch's threads; 0 where there is none.
// kind: 0 float32 vectors, 1 bfloat16 vectors, 2 bfloat16 tiles.
GT_API double gt_bench_peak(int32_t kind, double seconds)
{
    const peak::Loop* loop = nullptr;
    switch (kind) {
        case 0: loop = cpu::has_avx512() ? peak::avx512() : cpu::has_avx2() ? peak::avx2() : nullptr; break;
        case 1: loop = cpu::has_avx512_bf16() ? peak::avx512_bf16() : nullptr; break;
        default: loop = cpu::has_tiles() ? peak::amx_bf16() : nullptr; break;
    }
    if (loop == nullptr) {
        return 0;
    }
    using clock = std::chrono::steady_clock;
    auto time = [&](int64_t rounds) {
        auto start = clock::now();
        const int64_t threads = at::get_num_threads();
        at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                loop->run(rounds);
            }
        });
        return std::chrono::duration<double>(clock::now() - start).count() / static_cast<double>(threads);
    };
    // short runs of some milliseconds, and the best of as many as fit: what the machine does when nobody else is at it
    int64_t rounds = 1 << 12;
    double best = time(rounds);
    while (best * at::get_num_threads() < 0.004 && rounds < (int64_t{1} << 40)) {
        rounds *= 2;
        best = time(rounds);
    }
    for (auto start = clock::now(); std::chrono::duration<double>(clock::now() - start).count() < seconds;) {
        best = std::min(best, time(rounds));
    }
    return static_cast<double>(rounds) * loop->operations / best;
}

namespace {

std::mutex by_operation_mutex;
std::map<std::string, std::pair<int64_t, int64_t>> by_operation;

}  // namespace

void shim::count_inside(const std::string& operation, int64_t nanoseconds)
{
    std::lock_guard<std::mutex> lock(by_operation_mutex);
    auto& [calls, spent] = by_operation[operation];
    calls++;
    spent += nanoseconds;
}

// Whether the library adds up the time spent inside its calls (see shim.h); returns the seconds added up so far and starts anew.
GT_API double gt_bench_inside(int32_t how)
{
    double seconds = static_cast<double>(shim::inside_nanoseconds.exchange(0)) * 1e-9;
    shim::measure_inside = how;
    return seconds;
}

// What was added up by operation: lines of nanoseconds, calls and name; valid until the next call of this thread. Starts anew.
GT_API const char* gt_bench_operations()
{
    static thread_local std::string text;
    std::lock_guard<std::mutex> lock(by_operation_mutex);
    std::ostringstream lines;
    for (const auto& [name, count] : by_operation) {
        lines << count.second << ' ' << count.first << ' ' << name << '\n';
    }
    by_operation.clear();
    text = lines.str();
    return text.c_str();
}
