// Units of work, which threads take when they are ready for the next. Always inlined: the files are compiled for different instructions,
// and the linker would keep one file's code for all.
#pragma once
#include <atomic>
#include <cstdint>

#define GK_INLINE __attribute__((always_inline)) inline

class Units {
public:
    GK_INLINE Units(int64_t count, int64_t threads) : ranges_(threads < most ? threads : most)
    {
        for (int64_t i = 0; i < ranges_; i++) {
            range_[i].next.store(count * i / ranges_, std::memory_order_relaxed);
            range_[i].end = count * (i + 1) / ranges_;
        }
    }

    // What one thread takes: a range of its own first, whose units lie beside each other in memory, then from the others' ranges.
    class Share {
    public:
        GK_INLINE Share(Units& units, int64_t thread) : units_(units), at_(thread % units.ranges_) {}

        // -1 when there are no more.
        GK_INLINE int64_t next()
        {
            for (int64_t tried = 0; tried < units_.ranges_; tried++, at_ = (at_ + 1) % units_.ranges_) {
                Range& range = units_.range_[at_];
                if (range.next.load(std::memory_order_relaxed) < range.end) {
                    const int64_t unit = range.next.fetch_add(1, std::memory_order_relaxed);
                    if (unit < range.end) {
                        return unit;
                    }
                }
            }
            return -1;
        }

        // The unit that this thread will probably take after that one; -1 for none.
        GK_INLINE int64_t after(int64_t unit) const { return unit + 1 < units_.range_[at_].end ? unit + 1 : -1; }

    private:
        Units& units_;
        int64_t at_;
    };

    // A number for each thread that asks, from 0.
    GK_INLINE int64_t enter() { return entered_.fetch_add(1, std::memory_order_relaxed); }

private:
    static constexpr int64_t most = 64;
    struct alignas(64) Range {
        std::atomic<int64_t> next;
        int64_t end;
    };
    int64_t ranges_;
    std::atomic<int64_t> entered_{0};
    Range range_[most];
};
