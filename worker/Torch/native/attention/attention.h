// Fused attention for the CPU: softmax(q k^T * scale + mask) v by blocks of keys, with running maxima and sums
// (online softmax; Milakov and Gimelshein, 2018; Dao et al., 2022). No libtorch here: each kernel file is compiled
// for its own instructions, and one of them is chosen at run time.
//
// Scores are held transposed, keys in rows and queries in vector lanes, so that maxima and sums need no horizontal
// steps, and the products of both matrix multiplications read one packed operand row by row.
#pragma once
#include <cstdint>

namespace attention {

enum class Element : int32_t { float32, bfloat16 };

struct Task {
    Element element;
    const void* query;
    const void* key;
    const void* value;
    void* out;
    // strides in elements; the last dimension is dense
    int64_t query_batch, query_head, query_row;
    int64_t key_batch, key_head, key_row;
    int64_t value_batch, value_head, value_row;
    int64_t out_batch, out_head, out_row;
    // added to the scores; null for none
    const float* mask;
    int64_t mask_batch, mask_head, mask_row, mask_column;
    bool causal;
    int64_t batch, heads, length, keys, size;
    float scale;
    // where the packed keys and values stand: bytes from Kernel::packed_bytes
    void* packed;
};

// One implementation. Work is cut into units that may run on any thread: first all of pack, then all of run.
struct Kernel {
    const char* name;
    int64_t (*packed_bytes)(const Task&);
    int64_t (*pack_units)(const Task&);
    void (*pack)(const Task&, int64_t begin, int64_t end);
    int64_t (*run_units)(const Task&);
    void (*run)(const Task&, int64_t begin, int64_t end);
};

// Null where the compiler cannot build them.
const Kernel* avx2();
const Kernel* avx512();
const Kernel* avx512_bf16();
const Kernel* amx_bf16();

}  // namespace attention
