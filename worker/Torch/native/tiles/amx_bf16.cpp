#include "tiles.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <vector>

namespace tiles {
namespace {

// A tile: 16 rows of 64 bytes. Two by two of them are summed at a time: 32 rows and 32 outputs; a step takes 32 features.
constexpr int64_t side = 16, block = 32, step = 32, line = 64, tile_bytes = side * line, step_bytes = 2 * tile_bytes;

struct alignas(64) Palette {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

int64_t up(int64_t value, int64_t by) { return (value + by - 1) / by * by; }

int64_t blocks_of(const Shape& s) { return (s.outputs + block - 1) / block; }

// One block of outputs: a run of steps of features, in each all taps, of each two tiles.
int64_t block_bytes(const Shape& s) { return s.features / step * s.taps() * step_bytes; }

bool takes(const Shape& s)
{
    return s.features % step == 0 && s.features > 0 && (s.side == 1 || s.side == 3) && s.outputs >= side && (!s.gated || s.outputs % block == 0);
}

int64_t packed_bytes(const Shape& s) { return blocks_of(s) * block_bytes(s) + line; }

char* aligned(void* memory) { return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory) + line - 1) / line * line); }
const char* aligned(const void* memory) { return aligned(const_cast<void*>(memory)); }

int64_t pack_units(const Shape& s) { return blocks_of(s); }

// Features in pairs: the word in row r, column c of a tile holds features 2r and 2r + 1 of output c.
void pack(const Shape& s, const uint16_t* weight, void* packed, int64_t begin, int64_t end)
{
    const int64_t taps = s.taps(), per_output = s.features * taps;
    for (int64_t b = begin; b < end; b++) {
        char* at = aligned(packed) + b * block_bytes(s);
        for (int64_t f = 0; f < s.features; f += step) {
            for (int64_t tap = 0; tap < taps; tap++) {
                for (int64_t half = 0; half < 2; half++, at += tile_bytes) {
                    uint16_t* words = reinterpret_cast<uint16_t*>(at);
                    for (int64_t c = 0; c < side; c++) {
                        const int64_t output = s.gated ? b * side + half * (s.outputs / 2) + c : b * block + half * side + c;
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

// Sixteen rows of the left operand, and which rows of the result they become; -1 for none.
struct Rows {
    const char* from;
    int64_t to[side];
};

// What is read for one block of sums.
struct Reading {
    // from one row of a tile to the next, and from one step of features to the next
    int64_t stride, plane;
    // of each tap
    const int64_t* offset;
    int64_t taps, steps;
};

// 32 rows by 32 outputs. `ahead` is brought nearer meanwhile, `lines` of it at each step.
inline void sum(const char* above, const char* below, const Reading& reading, const char* weights, float* sums, bool more, const char* ahead, int64_t lines)
{
    constexpr int64_t wide = block * sizeof(float);
    if (more) {
        _tile_loadd(0, sums, wide);
        _tile_loadd(1, sums + side, wide);
        _tile_loadd(2, sums + side * block, wide);
        _tile_loadd(3, sums + side * block + side, wide);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t i = 0; i < reading.steps; i++) {
        for (int64_t tap = 0; tap < reading.taps; tap++) {
            const int64_t place = reading.offset[tap] + i * reading.plane;
            _tile_loadd(6, weights, line);
            _tile_loadd(4, above + place, reading.stride);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, weights + tile_bytes, line);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, below + place, reading.stride);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
            weights += step_bytes;
            for (int64_t l = 0; l < lines; l++, ahead += line) {
                _mm_prefetch(ahead, _MM_HINT_T1);
            }
        }
    }
    _tile_stored(0, sums, wide);
    _tile_stored(1, sums + side, wide);
    _tile_stored(2, sums + side * block, wide);
    _tile_stored(3, sums + side * block + side, wide);
}

// The same with 16 rows.
inline void sum_half(const char* above, const Reading& reading, const char* weights, float* sums, bool more)
{
    constexpr int64_t wide = block * sizeof(float);
    if (more) {
        _tile_loadd(0, sums, wide);
        _tile_loadd(1, sums + side, wide);
    } else {
        _tile_zero(0);
        _tile_zero(1);
    }
    for (int64_t i = 0; i < reading.steps; i++) {
        for (int64_t tap = 0; tap < reading.taps; tap++) {
            _tile_loadd(4, above + reading.offset[tap] + i * reading.plane, reading.stride);
            _tile_loadd(6, weights, line);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, weights + tile_bytes, line);
            _tile_dpbf16ps(1, 4, 7);
            weights += step_bytes;
        }
    }
    _tile_stored(0, sums, wide);
    _tile_stored(1, sums + side, wide);
}

// x times the normal distribution's share below x, within 6e-5: finer than the bfloat16 that it becomes where that counts. The error
// function as an odd polynomial, fitted to |x| < 4.25 and constant beyond.
__m512 gelu(__m512 x)
{
    auto set = [](float value) { return _mm512_set1_ps(value); };
    const __m512 near = _mm512_max_ps(_mm512_min_ps(x, set(4.25f)), set(-4.25f)), square = _mm512_mul_ps(near, near);
    __m512 p = _mm512_fmadd_ps(set(9.094168473833264e-11f), square, set(-9.0306251365746e-09f));
    p = _mm512_fmadd_ps(p, square, set(3.972323838752345e-07f));
    p = _mm512_fmadd_ps(p, square, set(-1.0295038009644486e-05f));
    p = _mm512_fmadd_ps(p, square, set(0.00017697838484309614f));
    p = _mm512_fmadd_ps(p, square, set(-0.002158156596124172f));
    p = _mm512_fmadd_ps(p, square, set(0.019437558948993683f));
    p = _mm512_fmadd_ps(p, square, set(-0.13238056004047394f));
    p = _mm512_fmadd_ps(p, square, set(0.7976384162902832f));
    const __m512 half = _mm512_mul_ps(x, set(0.5f)), error = _mm512_max_ps(_mm512_min_ps(_mm512_mul_ps(p, near), set(1)), set(-1));
    return _mm512_fmadd_ps(half, error, half);
}

__m512 wide(__m256i halves) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16)); }

// Sums of up to 32 outputs become results: bias, what is added or the gate, bfloat16.
void finish(const Task& t, const Rows& rows, int64_t first, const float* sums)
{
    const int64_t results = t.shape.results();
    if (t.shape.gated) {
        const int64_t column = first / 2;
        const __m512 bias = t.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(t.bias + column);
        const __m512 gate_bias = t.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(t.bias + results + column);
        for (int64_t r = 0; r < side; r++) {
            if (rows.to[r] >= 0) {
                const __m512 value = _mm512_add_ps(_mm512_loadu_ps(sums + r * block), bias);
                const __m512 gate = gelu(_mm512_add_ps(_mm512_loadu_ps(sums + r * block + side), gate_bias));
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(t.out + rows.to[r] * results + column), (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(value, gate)));
            }
        }
        return;
    }
    const int64_t there = std::min(block, results - first);
    const __mmask32 mask = there == block ? 0xffffffffu : (1u << there) - 1;
    const __mmask16 low_mask = static_cast<__mmask16>(mask), high_mask = static_cast<__mmask16>(mask >> side);
    const __m512 low_bias = t.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(low_mask, t.bias + first);
    const __m512 high_bias = t.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(high_mask, t.bias + first + side);
    for (int64_t r = 0; r < side; r++) {
        if (rows.to[r] < 0) {
            continue;
        }
        const int64_t place = rows.to[r] * results + first;
        __m512 low = _mm512_add_ps(_mm512_loadu_ps(sums + r * block), low_bias);
        __m512 high = _mm512_add_ps(_mm512_loadu_ps(sums + r * block + side), high_bias);
        if (t.added != nullptr) {
            const __m512i more = _mm512_maskz_loadu_epi16(mask, t.added + place);
            low = _mm512_add_ps(low, wide(_mm512_castsi512_si256(more)));
            high = _mm512_add_ps(high, wide(_mm512_extracti64x4_epi64(more, 1)));
        }
        _mm512_mask_storeu_epi16(t.out + place, mask, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

// Memory of one thread, kept for its next call.
class Scratch {
public:
    ~Scratch() { std::free(memory_); }

    char* of(int64_t bytes)
    {
        if (bytes > size_) {
            std::free(memory_);
            size_ = up(bytes, 1 << 16);
            memory_ = static_cast<char*>(std::aligned_alloc(4096, static_cast<size_t>(size_)));
        }
        return memory_;
    }

private:
    char* memory_ = nullptr;
    int64_t size_ = 0;
};

// A group of rows: those of some lines of one picture, or of some whole pictures.
struct Group {
    int64_t picture, pictures, first_line, lines;
};

Group group_of(const Task& t, int64_t group)
{
    if (t.group_pictures > 0) {
        const int64_t picture = group * t.group_pictures;
        return {picture, std::min(t.group_pictures, t.batch - picture), 0, t.height};
    }
    const int64_t in_picture = (t.height + t.group_lines - 1) / t.group_lines, line = group % in_picture * t.group_lines;
    return {group / in_picture, 1, line, std::min(t.group_lines, t.height - line)};
}

// Pixels from one line to the next of a block with its border: the border on the right is that on the left of the next line.
int64_t pitch(const Task& t) { return t.width + 1; }

// Pixels of such a block; an odd number, or the steps of features would contend for the same places in the cache.
int64_t bordered_pixels(const Task& t, int64_t pictures, int64_t lines) { return (pictures * (lines + 2) * pitch(t) + 2 + side) | 1; }

// Copies a group's lines, `count` features from the first on, with the zeros around the pictures: for each step of features all
// pixels, so that a tile lies in one piece.
void copy_bordered(const Task& t, const Group& g, int64_t first, int64_t count, char* to)
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
void list_bordered(const Task& t, const Group& g, const char* from, std::vector<Rows>& rows)
{
    for (int64_t p = 0; p < g.pictures; p++, from += (g.lines + 2) * pitch(t) * line) {
        const int64_t top = ((g.picture + p) * t.height + g.first_line) * t.width;
        // whole tiles where lines have them, else over the borders: what is computed there is left out
        const int64_t span = t.width % side == 0 ? t.width : pitch(t);
        for (int64_t at = 0; at < g.lines * span; at += side) {
            Rows one;
            one.from = from + (span == t.width ? at / span * pitch(t) + at % span : at) * line;
            for (int64_t r = 0; r < side; r++) {
                const int64_t y = (at + r) / span, x = (at + r) % span;
                one.to[r] = y < g.lines && x < t.width ? top + y * t.width + x : -1;
            }
            rows.push_back(one);
        }
    }
}

void list_plain(const Task& t, int64_t first, int64_t last, char* rest, std::vector<Rows>& rows)
{
    const int64_t stride = t.shape.features * 2;
    for (int64_t at = first; at < last; at += side) {
        Rows one;
        one.from = reinterpret_cast<const char*>(t.source) + at * stride;
        if (at + side > t.rows()) {
            std::memcpy(rest, one.from, static_cast<size_t>((t.rows() - at) * stride));
            std::memset(rest + (t.rows() - at) * stride, 0, static_cast<size_t>((at + side - t.rows()) * stride));
            one.from = rest;
        }
        for (int64_t r = 0; r < side; r++) {
            one.to[r] = at + r < last ? at + r : -1;
        }
        rows.push_back(one);
    }
}

// Rows that are computed with a panel of weights before the next: the more, the less often weights come from far, which a linear
// layer, with one tap, feels the most; bytes of its left operand, of a panel, and of a copied block that stay near.
constexpr int64_t fewest_rows = 256, most_rows = 1024, near_bytes = 768 << 10, panel_bytes = 384 << 10, chunk_bytes = 1 << 20;

int64_t plan(Task& t, int64_t threads)
{
    const int64_t row_bytes = t.shape.features * 2;
    const int64_t wanted = t.shape.side > 1 ? fewest_rows : std::min(most_rows, std::max(fewest_rows, near_bytes / row_bytes));
    int64_t pixels = 0;
    if (t.shape.side == 1) {
        // rows have no neighbours: one long line, cut into as many for each thread
        t.width = t.rows();
        t.batch = t.height = 1;
        t.groups = up((t.width + wanted - 1) / wanted, threads);
        t.groups = std::max<int64_t>(1, std::min(t.groups, t.width / (fewest_rows / 2)));
        t.group_rows = up((t.width + t.groups - 1) / t.groups, block);
        t.groups = (t.width + t.group_rows - 1) / t.group_rows;
        pixels = std::min(t.group_rows, t.width);
    } else if (t.height * t.width * 2 <= wanted) {
        t.group_pictures = std::min(t.batch, wanted / (t.height * t.width));
        t.group_pictures = std::min(t.group_pictures, std::max((t.batch + threads - 1) / threads, fewest_rows / 2 / (t.height * t.width)));
        t.group_pictures = std::max<int64_t>(1, t.group_pictures);
        t.groups = (t.batch + t.group_pictures - 1) / t.group_pictures;
        pixels = bordered_pixels(t, t.group_pictures, t.height);
    } else {
        t.group_pictures = 0;
        int64_t in_picture = (t.height * t.width + wanted - 1) / wanted;
        while (t.batch * in_picture % threads != 0 && in_picture < t.height && t.height * t.width / (in_picture + 1) >= fewest_rows / 2) {
            in_picture++;
        }
        t.group_lines = (t.height + in_picture - 1) / in_picture;
        t.groups = t.batch * ((t.height + t.group_lines - 1) / t.group_lines);
        pixels = bordered_pixels(t, 1, t.group_lines);
    }
    const int64_t steps = t.shape.features / step, chunks = (pixels * row_bytes + chunk_bytes - 1) / chunk_bytes;
    t.chunk = (steps + chunks - 1) / chunks * step;
    t.splits = 1;
    while (t.groups * t.splits < threads && t.splits * 4 <= blocks_of(t.shape)) {
        t.splits *= 2;
    }
    return t.groups * t.splits;
}

// What a unit reads of the source, and how many bytes.
const char* source_of(const Task& t, int64_t unit, int64_t& bytes)
{
    const int64_t row_bytes = t.shape.features * 2;
    int64_t first = unit % t.groups * t.group_rows, last = std::min(t.rows(), first + t.group_rows);
    if (t.shape.side > 1) {
        const Group g = group_of(t, unit % t.groups);
        const int64_t top = g.picture * t.height * t.width;
        first = top + std::max<int64_t>(0, g.first_line - 1) * t.width;
        last = top + ((g.pictures - 1) * t.height + std::min(t.height, g.first_line + g.lines + 1)) * t.width;
    }
    bytes = (last - first) * row_bytes;
    return reinterpret_cast<const char*>(t.source) + first * row_bytes;
}

void run(const Task& t, int64_t begin, int64_t end)
{
    static const Palette palette;
    thread_local Scratch scratch;
    _tile_loadconfig(&palette);
    const Shape& s = t.shape;
    const int64_t blocks = blocks_of(s), taps = s.taps();
    std::vector<Rows> rows;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t split = unit / t.groups, first_block = blocks * split / t.splits, last_block = blocks * (split + 1) / t.splits;
        const bool chunked = t.chunk < s.features, bordered = s.side > 1;
        const Group g = bordered ? group_of(t, unit % t.groups) : Group{};
        const int64_t plain_first = unit % t.groups * t.group_rows, plain_last = std::min(t.rows(), plain_first + t.group_rows);
        const int64_t copied = bordered ? bordered_pixels(t, g.pictures, g.lines) * t.chunk * 2 : side * s.features * 2;
        const int64_t rows_at_most = bordered ? g.pictures * up(g.lines * pitch(t), block) + block : t.group_rows;
        const int64_t sums_bytes = (chunked ? last_block - first_block : 1) * rows_at_most * block * 4;
        char* copy = scratch.of(copied + sums_bytes + line);
        float* sums = reinterpret_cast<float*>(copy + up(copied, line));
        for (int64_t feature = 0; feature < s.features; feature += t.chunk) {
            const int64_t count = std::min(t.chunk, s.features - feature);
            int64_t offset[9] = {};
            int64_t stride = s.features * 2, plane = line;
            rows.clear();
            if (bordered) {
                stride = line;
                plane = bordered_pixels(t, g.pictures, g.lines) * line;
                copy_bordered(t, g, feature, count, copy);
                for (int64_t tap = 0; tap < taps; tap++) {
                    offset[tap] = (tap / 3 * pitch(t) + tap % 3) * line;
                }
                list_bordered(t, g, copy, rows);
            } else {
                offset[0] = feature * 2;
                list_plain(t, plain_first, plain_last, copy, rows);
            }
            const int64_t tiles = static_cast<int64_t>(rows.size()), pairs = (tiles + 1) / 2;
            const int64_t steps = count / step, parts = (steps * taps * step_bytes + panel_bytes - 1) / panel_bytes;
            const bool last = feature + count == s.features;
            for (int64_t b = first_block; b < last_block; b++) {
                const char* panel = aligned(t.packed) + b * block_bytes(s) + feature / step * taps * step_bytes;
                for (int64_t part = 0; part < parts; part++) {
                    const int64_t first_step = steps * part / parts, last_step = steps * (part + 1) / parts;
                    const Reading reading{stride, plane, offset, taps, last_step - first_step};
                    const char* weights = panel + first_step * taps * step_bytes;
                    // what follows is brought nearer by as many lines at each step as it takes: the next weights, at the end the next rows
                    const bool next = part + 1 < parts;
                    const char* ahead = next ? panel + last_step * taps * step_bytes : panel + block_bytes(s);
                    int64_t all = reading.steps * taps * step_bytes;
                    if (!next && b + 1 == last_block) {
                        ahead = last && unit + 1 < end ? source_of(t, unit + 1, all) : nullptr;
                        all = ahead == nullptr ? 0 : all;
                    }
                    const int64_t steps_in_all = reading.steps * taps * std::max<int64_t>(1, tiles / 2), lines = (all / line + steps_in_all - 1) / steps_in_all;
                    for (int64_t i = 0; i < tiles; i += 2) {
                        float* at = sums + ((chunked ? (b - first_block) * pairs : 0) + (chunked || parts > 1 ? i / 2 : 0)) * block * block;
                        const bool more = feature > 0 || part > 0;
                        const int64_t moved = first_step * plane;
                        if (i + 1 < tiles) {
                            const int64_t from = i / 2 * lines * reading.steps * taps * line;
                            sum(rows[i].from + moved, rows[i + 1].from + moved, reading, weights, at, more, ahead + from, from < all ? lines : 0);
                        } else {
                            sum_half(rows[i].from + moved, reading, weights, at, more);
                        }
                        if (last && !next) {
                            finish(t, rows[i], b * block, at);
                            if (i + 1 < tiles) {
                                finish(t, rows[i + 1], b * block, at + side * block);
                            }
                        }
                    }
                }
            }
        }
    }
    _tile_release();
}

}  // namespace

const Kernel* amx_bf16()
{
    static const Kernel kernel{takes, packed_bytes, pack_units, pack, plan, run};
    return &kernel;
}

}  // namespace tiles
#else
namespace tiles {
const Kernel* amx_bf16() { return nullptr; }
}  // namespace tiles
#endif
