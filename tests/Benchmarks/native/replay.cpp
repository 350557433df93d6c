// A record of the calls that a program makes into libgeneration_torch, and the same calls once more from a C++ loop: what a step costs
// without C#. The benchmark loads this library in the place of libgeneration_torch, whose other functions it passes on by being linked
// to it; those below are noted on a tape while recording is on. A tensor that a call made is a place on the tape, so that a replay
// makes its own and frees them where the program did.
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
};

// One thread records and replays.
std::unique_ptr<Tape> tape;
bool recording = false;

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
    T made = real(arguments...);
    if (recording && made != nullptr) {
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
EXPORT void replay_run()
{
    for (auto& call : tape->calls) {
        call();
    }
}
