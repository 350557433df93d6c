// Products of bfloat16 matrices on AMX tiles: linear layers and convolutions of pictures with channels last, with what follows them
// in the same pass. The left operand is read where it lies (a convolution's by blocks with a border, in the nearest cache), the
// weights are packed once in the order in which they are read. Sums are float32.
//
// No libtorch here: the file is compiled for its own instructions, and whether they are there is asked at run time.
#pragma once
#include <cstdint>

namespace tiles {

// Weights (outputs, features, taps), taps innermost and dense: one tap for a linear layer, height * width for a convolution.
struct Shape {
    int64_t outputs, features, side;
    // the second half of the outputs are gates: the first half times their GELU comes out
    bool gated;

    int64_t taps() const { return side * side; }
    int64_t results() const { return gated ? outputs / 2 : outputs; }
};

// One layer's work. Rows are (batch, height, width) for a convolution, and height * width alone for a linear layer with side 1.
struct Task {
    Shape shape;
    const void* packed;
    // float32, in the order of the outputs; null for none
    const float* bias;
    const uint16_t* source;
    uint16_t* out;
    // summed with the results, of their shape, or the same memory; null for none
    const uint16_t* added;
    int64_t batch, height, width;
    // filled by plan()
    int64_t group_rows, group_lines, group_pictures, groups, splits, chunk;

    int64_t rows() const { return batch * height * width; }
};

// One implementation. pack and run are cut into units that may run on any thread.
struct Kernel {
    bool (*takes)(const Shape&);
    int64_t (*packed_bytes)(const Shape&);
    int64_t (*pack_units)(const Shape&);
    void (*pack)(const Shape&, const uint16_t* weight, void* packed, int64_t begin, int64_t end);
    // cuts the work for so many threads; returns the number of units
    int64_t (*plan)(Task&, int64_t threads);
    void (*run)(const Task&, int64_t begin, int64_t end);
};

// Null where the compiler cannot build it.
const Kernel* amx_bf16();

}  // namespace tiles
