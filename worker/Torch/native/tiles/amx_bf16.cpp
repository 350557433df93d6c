#include "tiles.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#include "finish.h"
#include "plan.h"
#include <cstdlib>

namespace tiles {
namespace {

struct alignas(64) Palette {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// What is read for one block of sums.
struct Reading {
    // from one row of a tile to the next, and from one step of features to the next
    int64_t stride, plane;
    // of each tap
    const int64_t* offset;
    int64_t taps, steps;

    int64_t count() const { return taps * steps; }
};

// Memory that will be read soon, brought nearer by so many lines at a time.
struct Ahead {
    const char* at = nullptr;
    int64_t left = 0, at_once = 0;

    static Ahead over(const char* from, int64_t bytes, int64_t times) { return {from, bytes / line, (bytes / line + times - 1) / times}; }

    void some()
    {
        for (int64_t i = 0; i < at_once && left > 0; i++, left--, at += line) {
            _mm_prefetch(at, _MM_HINT_T1);
        }
    }
};

// 32 rows by 32 outputs, or 16 rows. Meanwhile earlier sums are finished and what comes next is brought nearer.
template <bool Two, Kind K>
inline void sum(const char* above, const char* below, const Reading& reading, const char* weights, float* sums, bool more, Finish<K>& waiting, Ahead& ahead)
{
    constexpr int64_t wide = block * sizeof(float);
    if (more) {
        _tile_loadd(0, sums, wide);
        _tile_loadd(1, sums + side, wide);
        if (Two) {
            _tile_loadd(2, sums + side * block, wide);
            _tile_loadd(3, sums + side * block + side, wide);
        }
    } else {
        _tile_zero(0);
        _tile_zero(1);
        if (Two) {
            _tile_zero(2);
            _tile_zero(3);
        }
    }
    const int64_t count = reading.count(), finished = (block + count - 1) / count;
    Finish<K> finish = waiting;
    Ahead next = ahead;
    for (int64_t i = 0; i < reading.steps; i++) {
        for (int64_t tap = 0; tap < reading.taps; tap++) {
            const int64_t place = reading.offset[tap] + i * reading.plane;
            _tile_loadd(6, weights, line);
            _tile_loadd(4, above + place, reading.stride);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, weights + tile_bytes, line);
            _tile_dpbf16ps(1, 4, 7);
            if (Two) {
                _tile_loadd(5, below + place, reading.stride);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
            weights += step_bytes;
            next.some();
            finish.some(finished);
        }
    }
    waiting = finish;
    ahead = next;
    _tile_stored(0, sums, wide);
    _tile_stored(1, sums + side, wide);
    if (Two) {
        _tile_stored(2, sums + side * block, wide);
        _tile_stored(3, sums + side * block + side, wide);
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

// One group of rows by some blocks of outputs.
template <Kind K>
class Unit {
public:
    Unit(const Task& task, int64_t unit, int64_t end, Scratch& scratch, std::vector<Pair>& pairs) : t_(task), s_(task.shape), unit_(unit), end_(end), pairs_(pairs)
    {
        const int64_t split = unit / t_.groups, blocks = blocks_of(s_);
        first_block_ = blocks * split / t_.splits;
        last_block_ = blocks * (split + 1) / t_.splits;
        bordered_ = s_.side > 1;
        group_ = bordered_ ? group_of(t_, unit % t_.groups) : Group{};
        plain_first_ = unit % t_.groups * t_.group_rows;
        plain_last_ = std::min(t_.rows(), plain_first_ + t_.group_rows);
        const int64_t copied = bordered_ ? bordered_pixels(t_, group_.pictures, group_.lines) * t_.chunk * 2 : side * s_.features * 2;
        const int64_t rows_at_most = bordered_ ? group_.pictures * up(group_.lines * pitch(t_), block) + block : t_.group_rows;
        // sums of a chunk wait for the next chunk's; else two pairs of tiles take turns, or those of a part
        const int64_t sums_bytes = ((chunked() ? last_block_ - first_block_ : 1) * rows_at_most + 2 * block) * block * 4;
        copy_ = scratch.of(up(copied, line) + sums_bytes);
        sums_ = reinterpret_cast<float*>(copy_ + up(copied, line));
    }

    void run()
    {
        for (int64_t feature = 0; feature < s_.features; feature += t_.chunk) {
            chunk(feature, std::min(t_.chunk, s_.features - feature));
        }
    }

private:
    bool chunked() const { return t_.chunk < s_.features; }

    void chunk(int64_t feature, int64_t count)
    {
        int64_t offset[9] = {};
        Reading reading{s_.features * 2, line, offset, s_.taps(), 0};
        finish_.all();
        pairs_.clear();
        if (bordered_) {
            reading.stride = line;
            reading.plane = bordered_pixels(t_, group_.pictures, group_.lines) * line;
            copy_bordered(t_, group_, feature, count, copy_);
            for (int64_t tap = 0; tap < reading.taps; tap++) {
                offset[tap] = (tap / 3 * pitch(t_) + tap % 3) * line;
            }
            list_bordered(t_, group_, copy_, pairs_);
        } else {
            offset[0] = feature * 2;
            list_plain(t_, plain_first_, plain_last_, copy_, pairs_);
        }
        const int64_t steps = count / step, parts = (steps * reading.taps * step_bytes + panel_bytes - 1) / panel_bytes;
        const int64_t pairs = static_cast<int64_t>(pairs_.size());
        const bool first = feature == 0, last = feature + count == s_.features;
        for (int64_t b = first_block_; b < last_block_; b++) {
            const char* panel = aligned(t_.packed) + b * block_bytes(s_) + feature / step * reading.taps * step_bytes;
            for (int64_t part = 0; part < parts; part++) {
                const int64_t first_step = steps * part / parts, last_step = steps * (part + 1) / parts;
                reading.steps = last_step - first_step;
                const bool done = last && part + 1 == parts;
                const char* next = part + 1 < parts ? panel + last_step * reading.taps * step_bytes : b + 1 < last_block_ ? panel + block_bytes(s_) : nullptr;
                expect(next, reading.count() * pairs, reading.count() * step_bytes, last);
                for (int64_t i = 0; i < pairs; i++) {
                    const int64_t slot = chunked() ? (b - first_block_) * pairs + i : parts > 1 ? i : i % 2;
                    pair(reading, pairs_[static_cast<size_t>(i)], panel + first_step * reading.taps * step_bytes, first_step * reading.plane, b * block,
                         sums_ + slot * block * block, !first || part > 0, done);
                }
            }
        }
        finish_.all();
    }

    // What is read after this part, which takes so many steps: the next weights, or after the last of them the next unit's rows.
    void expect(const char* weights, int64_t steps, int64_t bytes, bool last)
    {
        if (weights == nullptr) {
            weights = last && unit_ + 1 < end_ ? source_of(t_, unit_ + 1, bytes) : nullptr;
        }
        ahead_ = weights == nullptr ? Ahead{} : Ahead::over(weights, bytes, steps);
    }

    void pair(const Reading& reading, const Pair& rows, const char* weights, int64_t moved, int64_t output, float* sums, bool more, bool done)
    {
        if (finish_.waits_in(sums)) {
            finish_.all();
        }
        rows.from[1] != nullptr ? sum<true>(rows.from[0] + moved, rows.from[1] + moved, reading, weights, sums, more, finish_, ahead_)
                                : sum<false>(rows.from[0] + moved, nullptr, reading, weights, sums, more, finish_, ahead_);
        if (done) {
            finish_.all();
            finish_ = Finish<K>(t_, rows, output, sums);
        }
    }

    const Task& t_;
    const Shape& s_;
    const int64_t unit_, end_;
    std::vector<Pair>& pairs_;
    Finish<K> finish_;
    Ahead ahead_;
    int64_t first_block_, last_block_, plain_first_, plain_last_;
    bool bordered_;
    Group group_;
    char* copy_;
    float* sums_;
};

template <Kind K>
void run_kind(const Task& t, int64_t begin, int64_t end)
{
    static const Palette palette;
    thread_local Scratch scratch;
    thread_local std::vector<Pair> pairs;
    _tile_loadconfig(&palette);
    for (int64_t unit = begin; unit < end; unit++) {
        Unit<K>(t, unit, end, scratch, pairs).run();
    }
    _tile_release();
}

void run(const Task& t, int64_t begin, int64_t end)
{
    switch (kind_of(t)) {
        case Kind::plain: run_kind<Kind::plain>(t, begin, end); break;
        case Kind::added: run_kind<Kind::added>(t, begin, end); break;
        case Kind::gated: run_kind<Kind::gated>(t, begin, end); break;
    }
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
