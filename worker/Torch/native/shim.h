// How a libtorch call becomes a C function: handles are at::Tensor pointers that the caller owns, a C++ exception
// becomes a message in the calling thread's error slot (gt_last_error), and the call returns null, or 0.
#pragma once
#include "compat.h"
#include <atomic>
#include <chrono>
#include <sstream>
#include <string>

#define GT_API extern "C" __attribute__((visibility("default")))

using T = at::Tensor*;

// A number of any kind: 0 none, 1 integer, 2 floating point, 3 boolean.
struct Scalar {
    int64_t bits;
    int64_t kind;
};

// Borrowed integers; a null pointer means absent.
struct Longs {
    const int64_t* data;
    int64_t count;
};

struct Doubles {
    const double* data;
    int64_t count;
};

// Borrowed handles; a null handle is an absent tensor.
struct Tensors {
    const T* data;
    int64_t count;
};

namespace shim {

extern std::atomic<int64_t> live_tensors;

// For the benchmarks that say where the time goes: 0 off, 1 seconds in all, 2 also by operation, 3 by operation and arguments.
extern std::atomic<int64_t> inside_nanoseconds;
extern int measure_inside;
void count_inside(const std::string& operation, int64_t nanoseconds);

class Inside {
public:
    Inside()
    {
        if (measure_inside != 0) {
            start_ = clock::now();
        }
    }

    // name() is asked for only where operations are told apart.
    template <class F>
    void end(F&& name) const
    {
        if (measure_inside != 0) {
            int64_t spent = std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - start_).count();
            inside_nanoseconds.fetch_add(spent, std::memory_order_relaxed);
            if (measure_inside > 1) {
                count_inside(name(), spent);
            }
        }
    }

private:
    using clock = std::chrono::steady_clock;
    clock::time_point start_{};
};

// Writes the error slot from the exception in flight.
void fail(const char* operation, const std::string& arguments) noexcept;

std::string describe(const T& tensor);
std::string describe(const Scalar& scalar);
std::string describe(const Longs& values);
std::string describe(const Doubles& values);
std::string describe(const Tensors& tensors);
inline std::string describe(int64_t value) { return std::to_string(value); }
inline std::string describe(int32_t value) { return std::to_string(value); }
std::string describe(double value);

template <class... A>
std::string describe_all(const A&... arguments)
{
    std::string all;
    [[maybe_unused]] const char* separator = "";
    ((all += separator, all += describe(arguments), separator = ", "), ...);
    return all;
}

template <class... A>
std::string called(const char* operation, const A&... arguments)
{
    return measure_inside > 2 ? std::string(operation) + "(" + describe_all(arguments...) + ")" : std::string(operation);
}

inline T box(at::Tensor&& tensor)
{
    T handle = new at::Tensor(std::move(tensor));
    live_tensors.fetch_add(1, std::memory_order_relaxed);
    return handle;
}

inline at::Scalar number(const Scalar& scalar)
{
    switch (scalar.kind) {
        case 1: return at::Scalar(scalar.bits);
        case 3: return at::Scalar(scalar.bits != 0);
        default: {
            double value;
            std::memcpy(&value, &scalar.bits, sizeof value);
            return at::Scalar(value);
        }
    }
}

inline compat::optional<at::Scalar> maybe(const Scalar& scalar)
{
    return scalar.kind == 0 ? compat::optional<at::Scalar>() : compat::optional<at::Scalar>(number(scalar));
}

inline compat::optional<at::Tensor> maybe(T tensor)
{
    return tensor == nullptr ? compat::optional<at::Tensor>() : compat::optional<at::Tensor>(*tensor);
}

inline at::Tensor or_undefined(T tensor)
{
    return tensor == nullptr ? at::Tensor() : *tensor;
}

inline at::IntArrayRef list(const Longs& values)
{
    return at::IntArrayRef(values.data, static_cast<size_t>(values.count));
}

inline at::OptionalIntArrayRef maybe(const Longs& values)
{
    return values.data == nullptr ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(list(values));
}

// Scalar types travel as libtorch's numbers; -1 is absent.
inline compat::optional<at::ScalarType> type(int32_t dtype)
{
    return dtype < 0 ? compat::optional<at::ScalarType>() : compat::optional<at::ScalarType>(static_cast<at::ScalarType>(dtype));
}

// Devices travel as type and index; type -1 is absent.
inline compat::optional<at::Device> device(int32_t kind, int32_t index)
{
    return kind < 0 ? compat::optional<at::Device>()
                    : compat::optional<at::Device>(at::Device(static_cast<at::DeviceType>(kind), static_cast<at::DeviceIndex>(index)));
}

inline at::TensorOptions options(int32_t dtype, int32_t kind, int32_t index)
{
    return at::TensorOptions().dtype(type(dtype)).device(device(kind, index));
}

inline std::vector<at::Tensor> vector(const Tensors& tensors)
{
    std::vector<at::Tensor> all;
    all.reserve(static_cast<size_t>(tensors.count));
    for (int64_t i = 0; i < tensors.count; i++) {
        all.push_back(or_undefined(tensors.data[i]));
    }
    return all;
}

// Runs f, which makes one tensor; null on failure.
template <class F, class... A>
inline T make(const char* operation, F&& f, const A&... arguments) noexcept
{
    try {
        Inside inside;
        T made = box(f());
        inside.end([&] { return called(operation, arguments...); });
        return made;
    } catch (...) {
        fail(operation, describe_all(arguments...));
        return nullptr;
    }
}

// Runs f; 1 on success, 0 on failure.
template <class F, class... A>
inline int32_t run(const char* operation, F&& f, const A&... arguments) noexcept
{
    try {
        Inside inside;
        f();
        inside.end([&] { return called(operation, arguments...); });
        return 1;
    } catch (...) {
        fail(operation, describe_all(arguments...));
        return 0;
    }
}

// Runs f, which makes several tensors: an array of handles that gt_free_array frees, or null on failure.
template <class F, class... A>
inline T* make_many(const char* operation, int64_t* count, F&& f, const A&... arguments) noexcept
{
    try {
        Inside inside;
        std::vector<at::Tensor> all = f();
        T* handles = new T[all.size() + 1];
        for (size_t i = 0; i < all.size(); i++) {
            handles[i] = box(std::move(all[i]));
        }
        *count = static_cast<int64_t>(all.size());
        inside.end([&] { return called(operation, arguments...); });
        return handles;
    } catch (...) {
        fail(operation, describe_all(arguments...));
        return nullptr;
    }
}

}  // namespace shim
