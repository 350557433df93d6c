// The same calls in a C++ loop, for the benchmark that says what a call from C# costs more.
#include "cpu.h"
#include "peak/peak.h"
#include "shim.h"
#include <chrono>

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

// Whether the library adds up the time spent inside its calls; returns the seconds added up so far and starts anew.
GT_API double gt_bench_inside(int32_t on)
{
    double seconds = static_cast<double>(shim::inside_nanoseconds.exchange(0)) * 1e-9;
    shim::measure_inside = on != 0;
    return seconds;
}
