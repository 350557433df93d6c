// Products of bfloat16 matrices on AMX tiles: linear layers and convolutions of pictures with channels last, with what follows them
// in the same pass. The left operand is read where it lies (a convolution's by blocks with a border, in the nearest cache), the
// weights are packed once in the order in which they are read. Sums are float32.
#pragma once
#include "../generation_kernels.h"
#include "../units.h"

namespace tiles {

// Weights (outputs, features, taps), taps innermost and dense: one tap for a linear layer, height * width for a convolution.
struct Shape : gk_layer_shape {
    GK_INLINE int64_t taps() const { return side * side; }
    GK_INLINE int64_t results() const { return gated != 0 ? outputs / 2 : outputs; }
};

// One layer's work. Rows are (batch, height, width) for a convolution, and height * width alone for a linear layer with side 1.
struct Task : gk_layer_task {
    Shape shape;
    const char* packed;
    // float32, in the order of the outputs; null for none
    const float* bias;
    // filled by plan()
    int64_t group_rows, group_lines, group_pictures, groups, splits, chunk;

    GK_INLINE int64_t rows() const { return batch * height * width; }
};

struct Kernel {
    bool (*takes)(const Shape&);
    int64_t (*packed_bytes)(const Shape&);
    int64_t (*pack_units)(const Shape&);
    // into memory aligned to a line of the cache
    void (*pack)(const Shape&, const uint16_t* weight, char* packed, Units::Share);
    // cuts the work for so many threads; returns the number of units
    int64_t (*plan)(Task&, int64_t threads);
    // of one thread
    int64_t (*scratch_bytes)(const Task&);
    void (*run)(const Task&, char* scratch, Units::Share);
};

extern const Kernel amx_bf16;

}  // namespace tiles
