// What a tensor is: shape, type, place, memory; and its copies into other types and places.
#include "shim.h"

using namespace shim;

GT_API int32_t gt_dim(T a) { return static_cast<int32_t>(a->dim()); }
GT_API int64_t gt_numel(T a) { return a->numel(); }
GT_API int32_t gt_dtype(T a) { return static_cast<int32_t>(a->scalar_type()); }
GT_API int64_t gt_element_size(T a) { return static_cast<int64_t>(a->element_size()); }
GT_API int64_t gt_storage_offset(T a) { return a->storage_offset(); }
GT_API int32_t gt_device_type(T a) { return static_cast<int32_t>(a->device().type()); }
GT_API int32_t gt_device_index(T a) { return static_cast<int32_t>(a->device().index()); }
GT_API int32_t gt_is_inference(T a) { return a->is_inference() ? 1 : 0; }

GT_API void gt_sizes(T a, int64_t* out)
{
    auto sizes = a->sizes();
    std::copy(sizes.begin(), sizes.end(), out);
}

GT_API void gt_strides(T a, int64_t* out)
{
    auto strides = a->strides();
    std::copy(strides.begin(), strides.end(), out);
}

// 1 contiguous, 2 channels last; 0 preserve (for conversions), as in memory_format.
static at::MemoryFormat format(int32_t value, int64_t dims)
{
    switch (value) {
        case 0: return at::MemoryFormat::Preserve;
        case 2: return dims == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
        default: return at::MemoryFormat::Contiguous;
    }
}

GT_API int32_t gt_is_contiguous(T a, int32_t memory_format)
{
    return a->is_contiguous(format(memory_format, a->dim())) ? 1 : 0;
}

GT_API int32_t gt_is_same(T a, T b) { return a->is_same(*b) ? 1 : 0; }

// The first element's address; null for tensors without memory.
GT_API void* gt_data(T a)
{
    void* pointer = nullptr;
    run("data", [&] { pointer = a->data_ptr(); }, a);
    return pointer;
}

GT_API T gt_contiguous(T a, int32_t memory_format)
{
    return make("contiguous", [&] { return a->contiguous(format(memory_format, a->dim())); }, a, memory_format);
}

GT_API T gt_clone(T a, int32_t memory_format)
{
    return make("clone", [&] { return a->clone(format(memory_format, a->dim())); }, a);
}

GT_API T gt_alias(T a) { return make("alias", [&] { return at::Tensor(*a); }, a); }
GT_API T gt_detach(T a) { return make("detach", [&] { return a->detach(); }, a); }

GT_API T gt_to(T a, int32_t dtype, int32_t copy, int32_t non_blocking)
{
    return make(
        "to",
        [&] { return a->to(type(dtype).value_or(a->scalar_type()), non_blocking != 0, copy != 0, at::MemoryFormat::Preserve); }, a, dtype);
}

GT_API T gt_to_device(T a, int32_t dtype, int32_t device_type, int32_t device_index, int32_t copy, int32_t non_blocking)
{
    return make(
        "to",
        [&] {
            return a->to(
                device(device_type, device_index).value_or(a->device()), type(dtype).value_or(a->scalar_type()), non_blocking != 0, copy != 0,
                at::MemoryFormat::Preserve);
        },
        a, dtype);
}

GT_API int32_t gt_copy_(T a, T source, int32_t non_blocking)
{
    return run("copy_", [&] { a->copy_(*source, non_blocking != 0); }, a, source);
}

GT_API int32_t gt_item(T a, Scalar* out)
{
    return run(
        "item",
        [&] {
            at::Scalar value = a->item();
            if (value.isBoolean()) {
                *out = Scalar{value.to<bool>() ? 1 : 0, 3};
            } else if (value.isIntegral(false)) {
                *out = Scalar{value.to<int64_t>(), 1};
            } else {
                double number = value.to<double>();
                out->kind = 2;
                std::memcpy(&out->bits, &number, sizeof number);
            }
        },
        a);
}

GT_API T gt_set_(T a, T source) { return make("set_", [&] { return a->set_(*source); }, a, source); }

GT_API int32_t gt_requires_grad_(T a, int32_t value)
{
    return run("requires_grad_", [&] { a->set_requires_grad(value != 0); }, a);
}
