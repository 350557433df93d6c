// Fused attention: softmax(q k^T * scale + mask) v by blocks of keys, with running maxima and sums (online softmax; Milakov and
// Gimelshein, 2018; Dao et al., 2022). Each kernel file is compiled for its own instructions, and one of them is chosen at run time.
//
// Scores are held transposed, keys in rows and queries in vector lanes, so that maxima and sums need no horizontal steps, and the
// products of both matrix multiplications read one packed operand row by row.
#pragma once
#include "../generation_kernels.h"
#include "../units.h"

namespace attention {

using Task = gk_attention;

// One implementation, for tasks that have queries, keys and a size. All units of pack come first, then all of run.
struct Kernel {
    // of the packed keys and values, all heads together
    int64_t (*packed_bytes)(const Task&);
    int64_t (*pack_units)(const Task&);
    void (*pack)(const Task&, char* packed, Units::Share);
    // of one thread
    int64_t (*scratch_bytes)(const Task&);
    int64_t (*run_units)(const Task&);
    void (*run)(const Task&, char* packed, char* scratch, Units::Share);
};

extern const Kernel avx512_bf16, amx_bf16;

}  // namespace attention
