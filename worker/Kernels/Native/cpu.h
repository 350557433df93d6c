// What the processor has and the system permits, asked once.
#pragma once
#include <cstdint>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cpu {

struct Features {
    bool avx512_bf16 = false, amx_bf16 = false;
};

#if defined(__x86_64__)
inline bool has(unsigned bits, unsigned all) { return (bits & all) == all; }

// Which registers the system saves for a process.
inline uint64_t saved_registers()
{
    uint32_t low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<uint64_t>(high) << 32 | low;
}

inline Features ask()
{
    constexpr unsigned xsave = 1u << 27, avx512f = 1u << 16, avx512dq = 1u << 17, avx512bw = 1u << 30, avx512vl = 1u << 31, avx2_fma = 1u << 12;
    constexpr unsigned vbmi = 1u << 1, bf16 = 1u << 5, amx_bf16 = 1u << 22, amx_tile = 1u << 24;
    constexpr uint64_t vectors = 0xe6, tiles = 3u << 17;
    Features found;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, xsave | avx2_fma)) {
        return found;
    }
    const uint64_t saved = saved_registers();
    unsigned basic = 0, more = 0, tiled = 0, leaves = 0;
    if (!__get_cpuid_count(7, 0, &leaves, &basic, &more, &tiled)) {
        return found;
    }
    if (leaves >= 1) {
        __get_cpuid_count(7, 1, &a, &b, &c, &d);
        found.avx512_bf16 = (saved & vectors) == vectors && has(basic, avx512f | avx512dq | avx512bw | avx512vl) && has(a, bf16);
    }
    // Linux gives a process the tiles' registers on request only
    constexpr long request_permission = 0x1023, tile_data = 18;
    found.amx_bf16 = found.avx512_bf16 && has(more, vbmi) && has(tiled, amx_bf16 | amx_tile) && (saved & tiles) == tiles &&
                     syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
    return found;
}
#else
inline Features ask() { return {}; }
#endif

}  // namespace cpu
