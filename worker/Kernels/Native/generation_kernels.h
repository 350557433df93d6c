/* Kernels that C# cannot write: products of bfloat16 matrices by AVX512_BF16 and AMX. Raw pointers, no exceptions, no state but idle
   memory. Numbers of bfloat16 are uint16_t; sums are float32. Strides and sizes are in elements unless they say bytes. */
#ifndef GENERATION_KERNELS_H
#define GENERATION_KERNELS_H
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif
#define GK_API __attribute__((visibility("default")))

/* What gk_version returns: another number, another interface. */
#define GK_VERSION 1

/* Instructions that kernels are written for, numbered as InstructionSet in C#. */
enum { GK_BASELINE = 0, GK_AVX512_BF16 = 3, GK_AMX_BF16 = 4 };

/* What a call returns. */
enum { GK_DONE = 0, GK_NOT_TAKEN = 1, GK_NO_MEMORY = 2 };

/* The threads of a call: GOMP_parallel of the process's OpenMP runtime and how many; null: the calling thread alone. */
typedef struct gk_team {
    void (*parallel)(void (*body)(void*), void* data, unsigned threads, unsigned flags);
    int64_t threads;
} gk_team;

GK_API int32_t gk_version(void);

/* The largest of the sets above, no larger than `most`, that the processor has and the system permits. */
GK_API int32_t gk_instructions(int32_t most);

/* softmax(query key^T scale + mask) value for each head, all of (batch, heads, rows, size), the last dimension dense. */
typedef struct gk_attention {
    const uint16_t* query; /* rows: length */
    const uint16_t* key;   /* rows: keys */
    const uint16_t* value;
    uint16_t* out;
    int64_t query_batch, query_head, query_row;
    int64_t key_batch, key_head, key_row;
    int64_t value_batch, value_head, value_row;
    int64_t out_batch, out_head, out_row;
    const float* mask; /* added to the scores; null for none */
    int64_t mask_batch, mask_head, mask_row, mask_column;
    int64_t batch, heads, length, keys, size;
    float scale;
    int32_t causal; /* not 0: no query sees a key behind its own place */
} gk_attention;

GK_API int32_t gk_attention_run(const gk_attention* task, const gk_team* team, int32_t instructions);

/* A linear layer (side 1), or a convolution of stride 1 whose border of side / 2 keeps height and width. */
typedef struct gk_layer_shape {
    int64_t outputs, features;
    int64_t side;  /* of the window of a convolution: 1 or 3 */
    int64_t gated; /* not 0: the second half of the outputs are gates, and the first half times their GELU comes out */
} gk_layer_shape;

typedef struct gk_layer gk_layer;

/* Bytes that the packed weights of such a layer take; 0 where there is no kernel for it. */
GK_API int64_t gk_layer_bytes(const gk_layer_shape* shape, int32_t instructions);

/* Packs a dense weight (outputs, features, side, side) and copies the bias, float32 (outputs) or null. Null where there is no kernel or no memory. */
GK_API gk_layer* gk_layer_pack(const gk_layer_shape* shape, const uint16_t* weight, const float* bias, const gk_team* team, int32_t instructions);

GK_API void gk_layer_free(gk_layer* layer);

/* Source (batch, height, width, features); out and added (batch, height, width, outputs, or half as many of a gated layer); all dense.
   Added is summed with the result before it is rounded, and may be out; null for none, always for a gated layer. */
typedef struct gk_layer_task {
    const uint16_t* source;
    uint16_t* out;
    const uint16_t* added;
    int64_t batch, height, width;
} gk_layer_task;

GK_API int32_t gk_layer_run(const gk_layer* layer, const gk_layer_task* task, const gk_team* team);

/* The processor's own speed: a loop of nothing but multiply-adds in registers, run in each thread. Returns the operations (a multiply-add
   counts twice) of all threads together; 0 where the instructions are not there. */
GK_API double gk_peak_run(int64_t rounds, const gk_team* team, int32_t instructions);

#if defined(__cplusplus)
}
#endif
#endif
