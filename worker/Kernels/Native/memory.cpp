#include "memory.h"
#include <atomic>
#include <cstdlib>
#include <sys/mman.h>

namespace memory {
namespace {

constexpr int64_t large_page = int64_t{2} << 20, line = 64;

uintptr_t up(uintptr_t value, uintptr_t by) { return (value + by - 1) / by * by; }

// The first line of each block of scratch memory.
struct Block {
    int64_t bytes;
};

// Blocks that wait, each taken by exchanging it for null, and how much they may hold in all.
constexpr int places = 8;
constexpr int64_t most_waiting = int64_t{256} << 20;
std::atomic<Block*> waiting[places];
std::atomic<int64_t> waiting_bytes;

void release(Block* block)
{
    if (block != nullptr) {
        unmap(block, block->bytes);
    }
}

Block* take_from(std::atomic<Block*>& place)
{
    Block* block = place.exchange(nullptr);
    if (block != nullptr) {
        waiting_bytes -= block->bytes;
    }
    return block;
}

void give(Block* block)
{
    if (block != nullptr && waiting_bytes.load() + block->bytes <= most_waiting) {
        for (std::atomic<Block*>& place : waiting) {
            Block* empty = nullptr;
            if (place.compare_exchange_strong(empty, block)) {
                waiting_bytes += block->bytes;
                return;
            }
        }
    }
    release(block);
}

Block* take(int64_t bytes)
{
    Block* small = nullptr;
    for (std::atomic<Block*>& place : waiting) {
        Block* block = take_from(place);
        if (block != nullptr && block->bytes >= bytes) {
            give(small);
            return block;
        }
        // of those that are too small one makes room for the new one
        if (block != nullptr && small == nullptr) {
            small = block;
        } else {
            give(block);
        }
    }
    release(small);
    bytes = static_cast<int64_t>(up(static_cast<uintptr_t>(bytes), 1 << 16));
    Block* block = static_cast<Block*>(map(bytes));
    if (block != nullptr) {
        block->bytes = bytes;
    }
    return block;
}

}  // namespace

void* map(int64_t bytes)
{
    const uintptr_t wanted = up(static_cast<uintptr_t>(bytes), 4096), more = bytes >= large_page ? large_page : 0;
    void* mapped = mmap(nullptr, wanted + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        return nullptr;
    }
    if (more == 0) {
        return mapped;
    }
    const uintptr_t from = reinterpret_cast<uintptr_t>(mapped), start = up(from, large_page);
    if (start > from) {
        munmap(mapped, start - from);
    }
    if (start + wanted < from + wanted + more) {
        munmap(reinterpret_cast<void*>(start + wanted), from + more - start);
    }
    madvise(reinterpret_cast<void*>(start), wanted, MADV_HUGEPAGE);
    return reinterpret_cast<void*>(start);
}

void unmap(void* memory, int64_t bytes)
{
    if (memory != nullptr) {
        munmap(memory, up(static_cast<uintptr_t>(bytes), 4096));
    }
}

Scratch::Scratch(int64_t bytes)
{
    Block* block = take(bytes + line);
    at_ = block == nullptr ? nullptr : reinterpret_cast<char*>(block) + line;
}

Scratch::~Scratch()
{
    if (at_ != nullptr) {
        give(reinterpret_cast<Block*>(at_ - line));
    }
}

}  // namespace memory
