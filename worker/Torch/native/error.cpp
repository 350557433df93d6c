#include "shim.h"

namespace shim {

std::atomic<int64_t> live_tensors{0};
std::atomic<int64_t> inside_nanoseconds{0};
int measure_inside = 0;

namespace {

thread_local std::string last_error;

const char* name_of(at::ScalarType type)
{
    switch (type) {
        case at::kByte: return "uint8";
        case at::kChar: return "int8";
        case at::kShort: return "int16";
        case at::kInt: return "int32";
        case at::kLong: return "int64";
        case at::kHalf: return "float16";
        case at::kFloat: return "float32";
        case at::kDouble: return "float64";
        case at::kBool: return "bool";
        case at::kBFloat16: return "bfloat16";
        default: return c10::toString(type);
    }
}

template <class V>
std::string joined(const V* data, int64_t count)
{
    if (data == nullptr) {
        return "none";
    }
    std::ostringstream text;
    text << '(';
    for (int64_t i = 0; i < count; i++) {
        text << (i == 0 ? "" : ", ") << data[i];
    }
    text << ')';
    return text.str();
}

}  // namespace

void fail(const char* operation, const std::string& arguments) noexcept
{
    try {
        std::string why;
        try {
            throw;
        } catch (const c10::Error& error) {
            why = compat::message_of(error);
        } catch (const std::exception& error) {
            why = error.what();
        } catch (...) {
            why = "unknown C++ exception";
        }
        last_error = std::string(operation) + "(" + arguments + "): " + why;
    } catch (...) {
        // no memory even for the message
        last_error.clear();
    }
}

std::string describe(const T& tensor)
{
    if (tensor == nullptr || !tensor->defined()) {
        return "none";
    }
    std::ostringstream text;
    text << name_of(tensor->scalar_type()) << '[';
    for (int64_t i = 0; i < tensor->dim(); i++) {
        text << (i == 0 ? "" : ", ") << tensor->size(i);
    }
    text << ']';
    if (!tensor->is_cpu()) {
        text << " on " << tensor->device();
    }
    return text.str();
}

std::string describe(const Scalar& scalar)
{
    if (scalar.kind == 0) {
        return "none";
    }
    if (scalar.kind == 3) {
        return scalar.bits != 0 ? "true" : "false";
    }
    std::ostringstream text;
    text << number(scalar);
    return text.str();
}

std::string describe(double value)
{
    std::ostringstream text;
    text << value;
    return text.str();
}

std::string describe(const Longs& values) { return joined(values.data, values.count); }

std::string describe(const Doubles& values) { return joined(values.data, values.count); }

std::string describe(const Tensors& tensors)
{
    std::string text = "[";
    for (int64_t i = 0; i < tensors.count; i++) {
        text += (i == 0 ? "" : ", ") + describe(tensors.data[i]);
    }
    return text + "]";
}

}  // namespace shim

// The message of this thread's last failed call; valid until its next one.
GT_API const char* gt_last_error() { return shim::last_error.c_str(); }

GT_API int64_t gt_live_tensors() { return shim::live_tensors.load(std::memory_order_relaxed); }

GT_API void gt_free(T tensor)
{
    shim::Inside inside;
    delete tensor;
    shim::live_tensors.fetch_sub(1, std::memory_order_relaxed);
    inside.end([] { return std::string("free"); });
}

GT_API void gt_free_array(T* handles) { delete[] handles; }
