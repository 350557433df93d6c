// The same calls in a C++ loop, for the benchmark that says what a call from C# costs more.
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
