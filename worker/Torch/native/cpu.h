// What the processor has, asked once at run time, and no more than GENERATION_MAX_ISA names (baseline, avx2, avx512, avx512_bf16 or
// amx_bf16): so a machine shows what older ones do.
#pragma once
#if defined(__x86_64__)
#include <cstdlib>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace cpu {

enum class Isa { baseline, avx2, avx512, avx512_bf16, amx_bf16 };

// A name that is none of them limits nothing.
inline bool allows(Isa isa)
{
    static const Isa most = [] {
        const char* named = std::getenv("GENERATION_MAX_ISA");
        const std::string name = named == nullptr ? "" : named;
        return name == "baseline" ? Isa::baseline : name == "avx2" ? Isa::avx2 : name == "avx512" ? Isa::avx512 : name == "avx512_bf16" ? Isa::avx512_bf16 : Isa::amx_bf16;
    }();
    return isa <= most;
}

inline bool has_avx2()
{
    __builtin_cpu_init();
    return allows(Isa::avx2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

inline bool has_avx512()
{
    __builtin_cpu_init();
    return allows(Isa::avx512) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

inline bool has_avx512_bf16() { return allows(Isa::avx512_bf16) && has_avx512() && __builtin_cpu_supports("avx512bf16"); }

inline bool has_avx512_vbmi() { return has_avx512() && __builtin_cpu_supports("avx512vbmi"); }

// AMX with bfloat16; Linux gives a process the tiles' state on request only.
inline bool has_tiles()
{
    static const bool granted = [] {
        unsigned a = 7, b = 0, c = 0, d = 0;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
        constexpr long request_permission = 0x1023, tile_data = 18;
        return allows(Isa::amx_bf16) && (d & amx_bf16) != 0 && (d & amx_tile) != 0 && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
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
