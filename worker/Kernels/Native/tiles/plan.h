// How a layer's work is cut: into groups of rows, whose left operand stays in the nearest caches while weights stream past it.
#pragma once
#include "rows.h"

namespace tiles {
namespace {

// Rows of a group: the more, the less often weights come from far. Bytes of its left operand that stay near, read where it lies by a
// linear layer, copied by a convolution; more features than fit are taken in chunks. Bytes of weights that stay near beside it.
constexpr int64_t fewest_rows = 256, most_rows = 512, read_bytes = 1024 << 10, copied_bytes = 1300 << 10, panel_bytes = 384 << 10;

// A linear layer's rows have no neighbours: one long line, cut into as many pieces for each thread.
inline void cut_plain(Task& t, int64_t threads)
{
    const int64_t wanted = smaller(most_rows, larger(fewest_rows, read_bytes / (t.shape.features * 2)));
    t.width = t.rows();
    t.batch = t.height = 1;
    t.groups = up((t.width + wanted - 1) / wanted, threads);
    t.groups = larger(1, smaller(t.groups, t.width / (fewest_rows / 2)));
    t.group_rows = up((t.width + t.groups - 1) / t.groups, block);
    t.groups = (t.width + t.group_rows - 1) / t.group_rows;
}

// A convolution's groups are whole pictures where those are small, else lines of one.
inline void cut_pictures(Task& t, int64_t threads)
{
    const int64_t area = t.height * t.width, wanted = most_rows;
    if (area * 2 <= wanted) {
        t.group_pictures = smaller(t.batch, wanted / area);
        t.groups = (t.batch + t.group_pictures - 1) / t.group_pictures;
        return;
    }
    t.group_pictures = 0;
    int64_t in_picture = (area + wanted - 1) / wanted;
    while (t.batch * in_picture % threads != 0 && in_picture < t.height && area / (in_picture + 1) >= fewest_rows / 2) {
        in_picture++;
    }
    t.group_lines = (t.height + in_picture - 1) / in_picture;
    t.groups = t.batch * ((t.height + t.group_lines - 1) / t.group_lines);
}

inline int64_t plan(Task& t, int64_t threads)
{
    int64_t bytes = 0, near = t.shape.side == 1 ? read_bytes : copied_bytes;
    const int64_t row_bytes = t.shape.features * 2;
    if (t.shape.side == 1) {
        cut_plain(t, threads);
        bytes = smaller(t.group_rows, t.width) * row_bytes;
    } else {
        cut_pictures(t, threads);
        bytes = (t.group_pictures > 0 ? bordered_pixels(t, t.group_pictures, t.height) : bordered_pixels(t, 1, t.group_lines)) * row_bytes;
    }
    const int64_t steps = t.shape.features / step, chunks = (bytes + near - 1) / near;
    t.chunk = (steps + chunks - 1) / chunks * step;
    t.splits = 1;
    while (t.groups * t.splits % threads != 0 && t.groups * t.splits < 2 * threads && t.splits * 4 <= blocks_of(t.shape)) {
        t.splits *= 2;
    }
    return t.groups * t.splits;
}

}  // namespace
}  // namespace tiles
