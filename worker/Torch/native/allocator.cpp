// Memory for large tensors on the CPU: mapped in huge pages, and kept for the next tensor of its size. A step asks for the same
// sizes again and again; from the system each of them would come page by page, which costs more than what is computed in it.
#include "shim.h"
#include <c10/core/CPUAllocator.h>
#include <list>
#include <malloc.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <unordered_map>

namespace {

constexpr size_t smallest = size_t{512} << 10, huge_page = size_t{2} << 20, most_spare = size_t{64} << 20;

// Blocks come in sizes an eighth of a power of two apart.
size_t rounded(size_t bytes)
{
    size_t power = smallest;
    while (power * 2 <= bytes) {
        power *= 2;
    }
    const size_t step = power / 8;
    return (bytes + step - 1) / step * step;
}

struct Block {
    void* data;
    size_t size;
};

class Pool final : public c10::Allocator {
public:
    Pool() : plain_(c10::GetCPUAllocator())
    {
        const size_t memory = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
        kept_limit_ = std::min(memory / 16, size_t{1} << 30);
    }

    c10::DataPtr allocate(size_t bytes) GT_ALLOCATE_CONST override
    {
        if (bytes < smallest) {
            return plain_->allocate(bytes);
        }
        void* data = take(rounded(bytes));
        return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
    }

    c10::DeleterFnPtr raw_deleter() const override { return &release; }

#if GT_ALLOCATOR_COPIES
    void copy_data(void* to, const void* from, std::size_t count) const override { std::memcpy(to, from, count); }
#endif

    // Gives what is kept back to the system.
    void empty()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        shrink(0);
        most_used_ = used_bytes_;
    }

    static Pool& instance();

private:
    static void release(void* data) { instance().give(data); }

    void* take(size_t size) const
    {
        std::lock_guard<std::mutex> lock(mutex_);
        // the smallest that is large enough and not much too large
        auto best = kept_.end();
        for (auto block = kept_.begin(); block != kept_.end(); ++block) {
            if (block->size >= size && block->size <= size + size / 4 && (best == kept_.end() || block->size < best->size)) {
                best = block;
            }
        }
        if (best != kept_.end()) {
            const Block block = *best;
            kept_bytes_ -= block.size;
            kept_.erase(best);
            return use(block);
        }
        // in all there is hardly more than was once in use at a time
        const size_t together = std::max(most_used_, used_bytes_ + size), spare = std::min(together / 8, most_spare);
        shrink(together + spare - used_bytes_ - size);
        void* data = map(size);
        if (data == nullptr) {
            shrink(0);
            data = map(size);
        }
        TORCH_CHECK(data != nullptr, "not enough memory: ", size, " bytes cannot be had");
        return use({data, size});
    }

    void* use(const Block& block) const
    {
        used_.emplace(block.data, block.size);
        used_bytes_ += block.size;
        most_used_ = std::max(most_used_, used_bytes_);
        return block.data;
    }

    void give(void* data) const
    {
        if (data == nullptr) {
            return;
        }
        {
            std::lock_guard<std::mutex> lock(mutex_);
            auto found = used_.find(data);
            if (found != used_.end()) {
                kept_.push_front({data, found->second});
                kept_bytes_ += found->second;
                used_bytes_ -= found->second;
                used_.erase(found);
                shrink(kept_limit_);
                return;
            }
        }
        plain_->raw_deleter()(data);
    }

    // The longest unused go first.
    void shrink(size_t limit) const
    {
        while (kept_bytes_ > limit) {
            munmap(kept_.back().data, kept_.back().size);
            kept_bytes_ -= kept_.back().size;
            kept_.pop_back();
        }
    }

    static void* map(size_t size)
    {
        const bool huge = size >= huge_page;
        const size_t reserved = huge ? size + huge_page : size;
        void* start = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) {
            return nullptr;
        }
        if (!huge) {
            return start;
        }
        const uintptr_t from = reinterpret_cast<uintptr_t>(start), aligned = (from + huge_page - 1) / huge_page * huge_page;
        if (aligned > from) {
            munmap(start, aligned - from);
        }
        if (aligned + size < from + reserved) {
            munmap(reinterpret_cast<void*>(aligned + size), from + reserved - aligned - size);
        }
        void* data = reinterpret_cast<void*>(aligned);
        madvise(data, size, MADV_HUGEPAGE);
        return data;
    }

    c10::Allocator* plain_;
    size_t kept_limit_;
    mutable std::mutex mutex_;
    mutable std::unordered_map<void*, size_t> used_;
    mutable std::list<Block> kept_;
    mutable size_t kept_bytes_ = 0, used_bytes_ = 0, most_used_ = 0;
};

// Never destroyed: tensors may outlive what the library's end would tear down.
Pool& Pool::instance()
{
    static Pool* const pool = new Pool();
    return *pool;
}

[[maybe_unused]] const bool installed = [] {
    c10::SetCPUAllocator(&Pool::instance(), 1);
    return true;
}();

}  // namespace

// Gives memory that is kept for tensors to come back to the system.
GT_API void gt_release_memory()
{
    Pool::instance().empty();
    malloc_trim(0);
}
