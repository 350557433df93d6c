// The left operand: which rows are computed together, and a convolution's blocks copied with their borders.
#pragma once
#include "layout.h"
#include <cstring>
#include <immintrin.h>

namespace tiles {
namespace {

// Two tiles of rows of the left operand, and which rows of the result they become; -1 for none. The second may be missing.
struct Pair {
    const char* from[2];
    int64_t to[block];

    int64_t count() const { return from[1] == nullptr ? side : block; }
};

// The pairs of a unit, in memory for as many as it has.
struct Pairs {
    Pair* all;
    int64_t count = 0;

    // The next tile of rows, from a place on; returns where to say which rows of the result they become.
    int64_t* add(const char* from)
    {
        if (count > 0 && all[count - 1].from[1] == nullptr) {
            all[count - 1].from[1] = from;
            return all[count - 1].to + side;
        }
        all[count].from[0] = from;
        all[count].from[1] = nullptr;
        return all[count++].to;
    }
};

// A group of rows: those of some lines of one picture, or of some whole pictures.
struct Group {
    int64_t picture, pictures, first_line, lines;
};

inline Group group_of(const Task& t, int64_t group)
{
    if (t.group_pictures > 0) {
        const int64_t picture = group * t.group_pictures;
        return {picture, smaller(t.group_pictures, t.batch - picture), 0, t.height};
    }
    const int64_t in_picture = (t.height + t.group_lines - 1) / t.group_lines, line = group % in_picture * t.group_lines;
    return {group / in_picture, 1, line, smaller(t.group_lines, t.height - line)};
}

// Pixels from one line to the next of a block with its border: the border on the right is that on the left of the next line.
inline int64_t pitch(const Task& t) { return t.width + 1; }

// Pixels of such a block; an odd number, or the steps of features would contend for the same places in the cache.
inline int64_t bordered_pixels(const Task& t, int64_t pictures, int64_t lines) { return (pictures * (lines + 2) * pitch(t) + 2 + side) | 1; }

// Copies a group's lines, `count` features from the first on, with the zeros around the pictures: for each step of features all
// pixels, so that a tile lies in one piece.
inline void copy_bordered(const Task& t, const Group& g, int64_t first, int64_t count, char* to)
{
    const int64_t steps = count / step, pixels = bordered_pixels(t, g.pictures, g.lines), plane = pixels * line;
    auto clear = [&](char* at, int64_t several) {
        for (int64_t i = 0; i < steps; i++) {
            std::memset(at + i * plane, 0, static_cast<size_t>(several * line));
        }
    };
    char* at = to;
    for (int64_t p = 0; p < g.pictures; p++) {
        for (int64_t y = g.first_line - 1; y <= g.first_line + g.lines; y++) {
            clear(at, 1);
            at += line;
            if (y < 0 || y >= t.height) {
                clear(at, t.width);
                at += t.width * line;
                continue;
            }
            const uint16_t* from = t.source + ((g.picture + p) * t.height + y) * t.width * t.shape.features + first;
            for (int64_t x = 0; x < t.width; x++, at += line, from += t.shape.features) {
                for (int64_t i = 0; i < steps; i++) {
                    _mm512_store_si512(at + i * plane, _mm512_loadu_si512(from + i * step));
                }
            }
        }
    }
    clear(at, pixels - (at - to) / line);
}

// Which rows are computed together, of a group copied to `from`.
inline void list_bordered(const Task& t, const Group& g, const char* from, Pairs& pairs)
{
    for (int64_t p = 0; p < g.pictures; p++, from += (g.lines + 2) * pitch(t) * line) {
        const int64_t top = ((g.picture + p) * t.height + g.first_line) * t.width;
        // whole tiles where lines have them, else over the borders: what is computed there is left out
        const int64_t span = t.width % side == 0 ? t.width : pitch(t);
        for (int64_t at = 0; at < g.lines * span; at += side) {
            int64_t* to = pairs.add(from + (span == t.width ? at / span * pitch(t) + at % span : at) * line);
            for (int64_t r = 0; r < side; r++) {
                const int64_t y = (at + r) / span, x = (at + r) % span;
                to[r] = y < g.lines && x < t.width ? top + y * t.width + x : -1;
            }
        }
    }
}

inline void list_plain(const Task& t, int64_t first, int64_t last, char* rest, Pairs& pairs)
{
    const int64_t stride = t.shape.features * 2;
    for (int64_t at = first; at < last; at += side) {
        const char* from = reinterpret_cast<const char*>(t.source) + at * stride;
        if (at + side > t.rows()) {
            std::memcpy(rest, from, static_cast<size_t>((t.rows() - at) * stride));
            std::memset(rest + (t.rows() - at) * stride, 0, static_cast<size_t>((at + side - t.rows()) * stride));
            from = rest;
        }
        int64_t* to = pairs.add(from);
        for (int64_t r = 0; r < side; r++) {
            to[r] = at + r < last ? at + r : -1;
        }
    }
}

// What a unit reads of the source, and how many bytes.
inline const char* source_of(const Task& t, int64_t unit, int64_t& bytes)
{
    const int64_t row_bytes = t.shape.features * 2;
    int64_t first = unit % t.groups * t.group_rows, last = smaller(t.rows(), first + t.group_rows);
    if (t.shape.side > 1) {
        const Group g = group_of(t, unit % t.groups);
        const int64_t top = g.picture * t.height * t.width;
        first = top + larger(0, g.first_line - 1) * t.width;
        last = top + ((g.pictures - 1) * t.height + smaller(t.height, g.first_line + g.lines + 1)) * t.width;
    }
    bytes = (last - first) * row_bytes;
    return reinterpret_cast<const char*>(t.source) + first * row_bytes;
}

}  // namespace
}  // namespace tiles
