#include "finish.h"
#include "plan.h"

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

// What a unit computes in: a copy of rows, sums that wait, the list of pairs. Bytes of each, for the unit that takes most.
struct Room {
    int64_t copy, sums, pairs;

    explicit Room(const Task& t)
    {
        const Shape& s = t.shape;
        const bool bordered = s.side > 1;
        const int64_t pictures = larger(1, t.group_pictures), lines = t.group_pictures > 0 ? t.height : t.group_lines;
        const int64_t rows = bordered ? pictures * up(lines * pitch(t), block) + block : t.group_rows;
        const int64_t blocks = (blocks_of(s) + t.splits - 1) / t.splits;
        copy = up(bordered ? bordered_pixels(t, pictures, lines) * t.chunk * 2 : side * s.features * 2, line);
        // sums of a chunk wait for the next chunk's; else two pairs of tiles take turns, or those of a part
        sums = ((t.chunk < s.features ? blocks : 1) * rows + 2 * block) * block * static_cast<int64_t>(sizeof(float));
        pairs = (rows / block + 2) * static_cast<int64_t>(sizeof(Pair));
    }

    int64_t bytes() const { return up(copy + sums + pairs, line); }
};

// One group of rows by some blocks of outputs.
template <Kind K>
class Unit {
public:
    Unit(const Task& task, int64_t unit, int64_t following, const Room& room, char* scratch)
        : t_(task), s_(task.shape), following_(following), pairs_{reinterpret_cast<Pair*>(scratch + room.copy + room.sums)}, copy_(scratch), sums_(reinterpret_cast<float*>(scratch + room.copy))
    {
        const int64_t split = unit / t_.groups, blocks = blocks_of(s_);
        first_block_ = blocks * split / t_.splits;
        last_block_ = blocks * (split + 1) / t_.splits;
        bordered_ = s_.side > 1;
        group_ = bordered_ ? group_of(t_, unit % t_.groups) : Group{};
        plain_first_ = unit % t_.groups * t_.group_rows;
        plain_last_ = smaller(t_.rows(), plain_first_ + t_.group_rows);
    }

    void run()
    {
        for (int64_t feature = 0; feature < s_.features; feature += t_.chunk) {
            chunk(feature, smaller(t_.chunk, s_.features - feature));
        }
    }

private:
    bool chunked() const { return t_.chunk < s_.features; }

    void chunk(int64_t feature, int64_t count)
    {
        int64_t offset[9] = {};
        Reading reading{s_.features * 2, line, offset, s_.taps(), 0};
        finish_.all();
        pairs_.count = 0;
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
        const int64_t pairs = pairs_.count;
        const bool first = feature == 0, last = feature + count == s_.features;
        for (int64_t b = first_block_; b < last_block_; b++) {
            const char* panel = t_.packed + b * block_bytes(s_) + feature / step * reading.taps * step_bytes;
            for (int64_t part = 0; part < parts; part++) {
                const int64_t first_step = steps * part / parts, last_step = steps * (part + 1) / parts;
                reading.steps = last_step - first_step;
                const bool done = last && part + 1 == parts;
                const char* next = part + 1 < parts ? panel + last_step * reading.taps * step_bytes : b + 1 < last_block_ ? panel + block_bytes(s_) : nullptr;
                expect(next, reading.count() * pairs, reading.count() * step_bytes, last);
                for (int64_t i = 0; i < pairs; i++) {
                    const int64_t slot = chunked() ? (b - first_block_) * pairs + i : parts > 1 ? i : i % 2;
                    pair(reading, pairs_.all[i], panel + first_step * reading.taps * step_bytes, first_step * reading.plane, b * block,
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
            weights = last && following_ >= 0 ? source_of(t_, following_, bytes) : nullptr;
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
    // the unit that this thread probably computes next; -1 for none
    const int64_t following_;
    Pairs pairs_;
    char* copy_;
    float* sums_;
    Finish<K> finish_;
    Ahead ahead_;
    int64_t first_block_, last_block_, plain_first_, plain_last_;
    bool bordered_;
    Group group_;
};

template <Kind K>
void run_kind(const Task& t, char* scratch, Units::Share share)
{
    static constexpr Palette palette;
    const Room room(t);
    _tile_loadconfig(&palette);
    for (int64_t unit = share.next(); unit >= 0; unit = share.next()) {
        Unit<K>(t, unit, share.after(unit), room, scratch).run();
    }
    _tile_release();
}

void run(const Task& t, char* scratch, Units::Share share)
{
    switch (kind_of(t)) {
        case Kind::plain: run_kind<Kind::plain>(t, scratch, share); break;
        case Kind::added: run_kind<Kind::added>(t, scratch, share); break;
        case Kind::gated: run_kind<Kind::gated>(t, scratch, share); break;
    }
}

int64_t scratch_bytes(const Task& t) { return Room(t).bytes(); }

}  // namespace

const Kernel amx_bf16{takes, packed_bytes, pack_units, pack, plan, scratch_bytes, run};

}  // namespace tiles
