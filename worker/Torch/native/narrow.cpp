#include "narrow.h"
#include "cpu.h"
#ifdef GT_HAS_ONEDNN
#include "onednn.h"
#endif

bool narrow::multiplies()
{
#ifdef GT_HAS_ONEDNN
    static const bool taken = onednn::takes_bfloat16();
#else
    constexpr bool taken = true;
#endif
    return taken && cpu::has_avx512();
}
