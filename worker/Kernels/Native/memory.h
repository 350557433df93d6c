// Memory in pages of its own, large ones where the system has them: weights and scratch are read line after line, and small pages cost
// more than the cache does.
#pragma once
#include <cstdint>

namespace memory {

// At least so many bytes, aligned to a page, zero at first; null where there are none.
void* map(int64_t bytes);
void unmap(void* memory, int64_t bytes);

// Scratch memory: what is given back waits for the next to take it, with what it held.
class Scratch {
public:
    explicit Scratch(int64_t bytes);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    // Null where there was none; aligned to a page but for the first line.
    char* at() const { return at_; }

private:
    char* at_;
};

}  // namespace memory
