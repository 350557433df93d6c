// What the processor has, asked once at run time.
#pragma once
#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>

namespace cpu {

inline bool has_avx2()
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

inline bool has_avx512()
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

inline bool has_avx512_bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

inline bool has_avx512_vbmi() { return has_avx512() && __builtin_cpu_supports("avx512vbmi"); }

// AMX with bfloat16; Linux gives a process the tiles' state on request only.
inline bool has_tiles()
{
    static const bool granted = [] {
        unsigned a = 7, b = 0, c = 0, d = 0;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
        constexpr long request_permission = 0x1023, tile_data = 18;
        return (d & amx_bf16) != 0 && (d & amx_tile) != 0 && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
    }();
    return granted;
}

}  // namespace cpu
#else
namespace cpu {
inline bool has_avx2() { return false; }
inline bool has_avx512() { return false; }
inline bool has_avx512_bf16() { return false; }
inline bool has_avx512_vbmi() { return false; }
inline bool has_tiles() { return false; }
}  // namespace cpu
#endif
