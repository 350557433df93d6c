// How weights are packed for products on tiles: block after block of 32 outputs, each in the order in which it is read.
// Everything has internal linkage: the files are compiled for their own instructions.
#pragma once
#include "tiles.h"

namespace tiles {
namespace {

// A tile: 16 rows of 64 bytes. Two by two of them are summed at a time: 32 rows and 32 outputs; a step takes 32 features.
constexpr int64_t side = 16, block = 32, step = 32, line = 64, tile_bytes = side * line, step_bytes = 2 * tile_bytes;

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t up(int64_t value, int64_t by) { return (value + by - 1) / by * by; }

inline int64_t blocks_of(const Shape& s) { return (s.outputs + block - 1) / block; }

// One block of outputs: a run of steps of features, in each all taps, of each two tiles.
inline int64_t block_bytes(const Shape& s) { return s.features / step * s.taps() * step_bytes; }

inline bool takes(const Shape& s)
{
    const bool halves = s.gated == 0 || (s.outputs % block == 0 && s.side == 1);
    return s.features % step == 0 && s.features > 0 && (s.side == 1 || s.side == 3) && s.outputs >= side && halves;
}

inline int64_t packed_bytes(const Shape& s) { return blocks_of(s) * block_bytes(s); }

inline int64_t pack_units(const Shape& s) { return blocks_of(s); }

// Features in pairs: the word in row r, column c of a tile holds features 2r and 2r + 1 of output c.
inline void pack(const Shape& s, const uint16_t* weight, char* packed, Units::Share share)
{
    const int64_t taps = s.taps(), per_output = s.features * taps;
    for (int64_t b = share.next(); b >= 0; b = share.next()) {
        char* at = packed + b * block_bytes(s);
        for (int64_t f = 0; f < s.features; f += step) {
            for (int64_t tap = 0; tap < taps; tap++) {
                for (int64_t half = 0; half < 2; half++, at += tile_bytes) {
                    uint16_t* words = reinterpret_cast<uint16_t*>(at);
                    for (int64_t c = 0; c < side; c++) {
                        const int64_t output = s.gated != 0 ? b * side + half * s.results() + c : b * block + half * side + c;
                        const uint16_t* from = weight + output * per_output + f * taps + tap;
                        for (int64_t r = 0; r < step; r++) {
                            words[r / 2 * 2 * side + c * 2 + r % 2] = output < s.outputs ? from[r * taps] : uint16_t(0);
                        }
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace tiles
