// A record of the calls that a program makes into libgeneration_torch, and the same calls once more from a C++ loop: what a step costs
// without C#. The benchmark loads this library in the place of libgeneration_torch, whose other functions it passes on by being linked
// to it; those below are noted on a tape while recording is on. A tensor that a call made is a place on the tape, so that a replay
// makes its own and frees them where the program did.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <functional>
#include <memory>
#include <tuple>
#include <unordered_map>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

struct Tensor;
using T = Tensor*;

// As in worker/Torch/native/shim.h.
struct Scalar {
    int64_t bits, kind;
};

template <class V>
struct List {
    const V* data;
    int64_t count;
};

using Longs = List<int64_t>;
using Doubles = List<double>;
using Tensors = List<T>;

struct Tape {
    std::vector<std::function<void()>> calls;
    std::vector<T> places;
    std::unordered_map<T, size_t> made;
    // calls that the recorder itself made
    int64_t own = 0;
    // which calls make one tensor: between these the tape can be cut
    std::vector<size_t> cuts;

    void play(size_t first, size_t last)
    {
        for (size_t i = first; i < last; i++) {
            calls[i]();
        }
    }
};

// One thread records and replays.
std::unique_ptr<Tape> tape;
bool recording = false;

// The program once more, with the tape in turns: a piece of the program, the same piece of the tape, and so on. A machine that changes
// its speed from one moment to the next changes it for both.
class Turns {
public:
    explicit Turns(bool tape_first) : tape_first_(tape_first), program_(count()), replay_(count()) {}

    // Some hundredths of a second each, where the whole takes a second.
    static size_t count() { return (tape->cuts.size() + step() - 1) / step(); }

    void begin()
    {
        if (tape_first_) {
            play(0);
        }
        resumed_ = clock::now();
    }

    // The program is about to make one tensor.
    void one()
    {
        if (++seen_ <= (piece_ + 1) * step()) {
            return;
        }
        program_[piece_] = since(resumed_);
        play(tape_first_ ? piece_ + 1 : piece_);
        piece_++;
        resumed_ = clock::now();
    }

    void end(double* program, double* replay)
    {
        program_[piece_] = since(resumed_);
        if (!tape_first_) {
            play(piece_);
        }
        std::copy(program_.begin(), program_.end(), program);
        std::copy(replay_.begin(), replay_.end(), replay);
    }

private:
    using clock = std::chrono::steady_clock;

    static size_t step() { return std::max<size_t>(1, tape->cuts.size() / 64); }
    static double since(clock::time_point start) { return std::chrono::duration<double>(clock::now() - start).count(); }
    static size_t start_of(size_t piece) { return piece == 0 ? 0 : piece < count() ? tape->cuts[piece * step()] : tape->calls.size(); }

    void play(size_t piece)
    {
        const auto start = clock::now();
        tape->play(start_of(piece), start_of(piece + 1));
        replay_[piece] = since(start);
    }

    const bool tape_first_;
    size_t seen_ = 0, piece_ = 0;
    clock::time_point resumed_{};
    std::vector<double> program_, replay_;
};

std::unique_ptr<Turns> turns;

// An argument as the tape keeps it: give() is what a replay calls with.
template <class V>
struct Kept {
    V value;
    explicit Kept(V v) : value(v) {}
    V give() { return value; }
};

template <>
struct Kept<T> {
    T fixed;
    bool is_made;
    size_t place = 0;
    explicit Kept(T tensor) : fixed(tensor)
    {
        auto found = tape->made.find(tensor);
        is_made = found != tape->made.end();
        if (is_made) {
            place = found->second;
        }
    }
    T give() const { return is_made ? tape->places[place] : fixed; }
};

template <class V>
struct Kept<List<V>> {
    std::vector<Kept<V>> values;
    std::vector<V> given;
    bool there;
    explicit Kept(List<V> list) : given(static_cast<size_t>(list.data == nullptr ? 0 : list.count) + 1), there(list.data != nullptr)
    {
        for (int64_t i = 0; there && i < list.count; i++) {
            values.emplace_back(list.data[i]);
        }
    }
    List<V> give()
    {
        for (size_t i = 0; i < values.size(); i++) {
            given[i] = values[i].give();
        }
        return {there ? given.data() : nullptr, static_cast<int64_t>(values.size())};
    }
};

size_t place_of(T made)
{
    tape->places.push_back(nullptr);
    tape->made[made] = tape->places.size() - 1;
    return tape->places.size() - 1;
}

void* find(const char* name)
{
    static void* const library = dlopen("libgeneration_torch.so", RTLD_NOW | RTLD_NOLOAD);
    void* found = library == nullptr ? nullptr : dlsym(library, name);
    if (found == nullptr) {
        std::fprintf(stderr, "libgeneration_torch.so has no %s\n", name);
        std::abort();
    }
    return found;
}

template <class... A>
T one(T (*real)(A...), A... arguments)
{
    if (turns != nullptr) {
        turns->one();
    }
    T made = real(arguments...);
    if (recording && made != nullptr) {
        tape->cuts.push_back(tape->calls.size());
        auto kept = std::make_tuple(Kept<A>(arguments)...);
        const size_t place = place_of(made);
        tape->calls.push_back([real, kept, place]() mutable { tape->places[place] = std::apply([&](auto&... k) { return real(k.give()...); }, kept); });
    }
    return made;
}

}  // namespace

// A function that makes one tensor.
#define MAKES(name, parameters, ...)                                       \
    EXPORT T name parameters                                               \
    {                                                                      \
        static const auto real = reinterpret_cast<T(*) parameters>(find(#name)); \
        return one(real, __VA_ARGS__);                                     \
    }

MAKES(gt_packed_conv2d, (void* packed, T x, T added, int32_t in_place), packed, x, added, in_place)
MAKES(gt_packed_linear, (void* packed, T x, T added, int32_t in_place), packed, x, added, in_place)
MAKES(gt_packed_geglu, (void* packed, T x), packed, x)
MAKES(gt_own_attention, (T query, T key, T value, T mask, int32_t causal, double scale), query, key, value, mask, causal, scale)
MAKES(gt_fused_attention, (T query, T key, T value, T mask, int32_t causal, double scale), query, key, value, mask, causal, scale)
MAKES(gt_fused_group_norm, (T a, int64_t groups, T weight, T bias, double eps, int32_t silu, T added), a, groups, weight, bias, eps, silu, added)
MAKES(gt_layer_norm, (T a, Longs shape, T weight, T bias, double eps), a, shape, weight, bias, eps)
MAKES(gt_geglu, (T a), a)
MAKES(gt_linear, (T a, T weight, T bias), a, weight, bias)
MAKES(gt_matmul, (T a, T b), a, b)
MAKES(gt_softmax, (T a, int64_t dim, int32_t dtype), a, dim, dtype)
MAKES(gt_interpolate, (T a, Longs size, Doubles factors, int32_t mode, int32_t align, int32_t recompute, int32_t antialias), a, size, factors, mode, align, recompute, antialias)
MAKES(gt_cat, (Tensors tensors, int64_t dim), tensors, dim)
MAKES(gt_reshape, (T a, Longs shape), a, shape)
MAKES(gt_view, (T a, Longs shape), a, shape)
MAKES(gt_expand, (T a, Longs size), a, size)
MAKES(gt_permute, (T a, Longs dims), a, dims)
MAKES(gt_transpose, (T a, int64_t dim0, int64_t dim1), a, dim0, dim1)
MAKES(gt_unsqueeze, (T a, int64_t dim), a, dim)
MAKES(gt_contiguous, (T a, int32_t format), a, format)
MAKES(gt_clone, (T a, int32_t format), a, format)
MAKES(gt_alias, (T a), a)
MAKES(gt_to, (T a, int32_t dtype, int32_t copy, int32_t non_blocking), a, dtype, copy, non_blocking)
MAKES(gt_arange, (Scalar start, Scalar end, Scalar step, int32_t dtype, int32_t device, int32_t index), start, end, step, dtype, device, index)
MAKES(gt_add, (T a, T b, Scalar alpha), a, b, alpha)
MAKES(gt_add_scalar, (T a, Scalar b, Scalar alpha), a, b, alpha)
MAKES(gt_sub, (T a, T b), a, b)
MAKES(gt_sub_scalar, (T a, Scalar b), a, b)
MAKES(gt_mul, (T a, T b), a, b)
MAKES(gt_mul_scalar, (T a, Scalar b), a, b)
MAKES(gt_div, (T a, T b), a, b)
MAKES(gt_div_scalar, (T a, Scalar b), a, b)
MAKES(gt_silu, (T a), a)
MAKES(gt_exp, (T a), a)
MAKES(gt_sin, (T a), a)
MAKES(gt_cos, (T a), a)

// The numbers come from the program's memory: a replay takes them from the tensor that was made, which the tape keeps.
EXPORT T gt_from_bytes(const void* source, int32_t stored, Longs size, int32_t dtype, int32_t device, int32_t index)
{
    static const auto real = reinterpret_cast<T (*)(const void*, int32_t, Longs, int32_t, int32_t, int32_t)>(find("gt_from_bytes"));
    static const auto clone = reinterpret_cast<T (*)(T, int32_t)>(find("gt_clone"));
    T made = real(source, stored, size, dtype, device, index);
    if (recording && made != nullptr) {
        constexpr int32_t contiguous = 1;
        T kept = clone(made, contiguous);
        tape->own++;
        const size_t place = place_of(made);
        tape->calls.push_back([kept, place] { tape->places[place] = clone(kept, contiguous); });
    }
    return made;
}

EXPORT T* gt_chunk(T a, int64_t chunks, int64_t dim, int64_t* count)
{
    static const auto real = reinterpret_cast<T* (*)(T, int64_t, int64_t, int64_t*)>(find("gt_chunk"));
    static const auto free_array = reinterpret_cast<void (*)(T*)>(find("gt_free_array"));
    T* made = real(a, chunks, dim, count);
    if (recording && made != nullptr) {
        Kept<T> from(a);
        const size_t first = tape->places.size();
        for (int64_t i = 0; i < *count; i++) {
            place_of(made[i]);
        }
        tape->calls.push_back([from, chunks, dim, first] {
            int64_t several = 0;
            T* again = real(from.give(), chunks, dim, &several);
            for (int64_t i = 0; i < several; i++) {
                tape->places[first + static_cast<size_t>(i)] = again[i];
            }
            free_array(again);
        });
    }
    return made;
}

EXPORT void gt_free(T tensor)
{
    static const auto real = reinterpret_cast<void (*)(T)>(find("gt_free"));
    if (recording) {
        auto found = tape->made.find(tensor);
        if (found != tape->made.end()) {
            const size_t place = found->second;
            tape->made.erase(found);
            tape->calls.push_back([place] { real(tape->places[place]); });
        }
    }
    real(tensor);
}

// Begins a new tape.
EXPORT void replay_record()
{
    tape = std::make_unique<Tape>();
    recording = true;
}

// Ends the tape; returns the number of calls on it, or -1 where a tensor of it was not freed. own: calls that the recorder made besides.
EXPORT int64_t replay_stop(int64_t* own)
{
    recording = false;
    *own = tape->own;
    return tape->made.empty() ? static_cast<int64_t>(tape->calls.size()) : -1;
}

// All calls of the tape once more.
EXPORT void replay_run() { tape->play(0, tape->calls.size()); }

// What the program does until turns_end is what it did while the tape was recorded; each piece of it comes before or after the same
// piece of the tape.
EXPORT void turns_begin(int32_t tape_first)
{
    turns = std::make_unique<Turns>(tape_first != 0);
    turns->begin();
}

// How many pieces.
EXPORT int64_t turns_count() { return static_cast<int64_t>(Turns::count()); }

// Seconds of each piece of the program, and of the tape.
EXPORT void turns_end(double* program, double* replay)
{
    turns->end(program, replay);
    turns.reset();
}
