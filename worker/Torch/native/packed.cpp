// Linear layers and convolutions whose weights are packed once into the layout that is computed with: bfloat16 on tiles of the
// processor by our own kernel, all else by oneDNN. A sum with another tensor is part of the same pass. Activations stay as they are: rows of features, or channels last.
#include "cpu.h"
#include "narrow.h"
#include "shim.h"
#ifdef GT_HAS_ONEDNN
#include "onednn.h"
#include "packed_tiles.h"
#include <map>
#include <mutex>

using namespace shim;

namespace {

using onednn::desc;
using onednn::dims;

dnnl::memory::data_type type_of(const at::Tensor& tensor)
{
    TORCH_CHECK(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16, "packed layers compute in float32 or bfloat16");
    return tensor.scalar_type() == at::kFloat ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
}

// What follows in the same pass: nothing, another tensor added from beside or in the place of the result, GELU, another tensor multiplied.
enum class After : int32_t { nothing, add_beside, add_in_place, gelu, multiply };

// Weights in some layout, in memory of ours: huge pages, where it is large.
struct Laid {
    desc layout;
    at::Tensor bytes;
    dnnl::memory memory;
};

struct Prepared {
    dnnl::primitive primitive;
    desc weight, scratch;
    Laid packed;
};

}  // namespace

struct Packed {
    at::Tensor weight, bias;
    bool is_convolution;
    dims stride, padding;
    std::mutex mutex;
    std::map<std::vector<int64_t>, std::shared_ptr<Prepared>> prepared;
    // one for each layout that some shape asked for: nearly always one
    std::vector<Laid> copies;
    // of a gated layer: its halves
    std::unique_ptr<Packed> value, gate;
    // where the processor's tiles take the layer: plain, and gated
    std::unique_ptr<TiledLayer> tiled[2];
    bool tiled_asked[2] = {false, false};

    const TiledLayer* tiled_layer(bool gated)
    {
        std::lock_guard<std::mutex> lock(mutex);
        if (!tiled_asked[gated]) {
            const bool keeps_size = !is_convolution || (stride == dims{1, 1} && padding[0] == weight.size(2) / 2 && padding[1] == weight.size(3) / 2);
            tiled[gated] = keeps_size ? TiledLayer::of(weight, bias, gated) : nullptr;
            tiled_asked[gated] = true;
        }
        return tiled[gated].get();
    }

    Laid packed_as(const desc& wanted)
    {
        for (const Laid& copy : copies) {
            if (copy.layout == wanted) {
                return copy;
            }
        }
        // shapes that come and go do not pile up copies
        if (copies.size() >= 2) {
            copies.clear();
            prepared.clear();
        }
        at::Tensor plain = weight.contiguous();
        dims size(plain.sizes().begin(), plain.sizes().end());
        dims steps(plain.strides().begin(), plain.strides().end());
        dnnl::memory source(desc(size, type_of(plain), steps), onednn::cpu(), plain.data_ptr());
        at::Tensor bytes = at::empty({static_cast<int64_t>(wanted.get_size())}, at::kByte);
        dnnl::memory packed(wanted, onednn::cpu(), bytes.data_ptr());
        dnnl::reorder(source, packed).execute(onednn::stream(), source, packed);
        onednn::stream().wait();
        copies.push_back({wanted, bytes, packed});
        return copies.back();
    }

    static desc described(const at::Tensor& tensor)
    {
        return desc(dims(tensor.sizes().begin(), tensor.sizes().end()), type_of(tensor), dims(tensor.strides().begin(), tensor.strides().end()));
    }

    std::shared_ptr<Prepared> prepare(const at::Tensor& source, const at::Tensor& out, const at::Tensor& other, After then)
    {
        std::vector<int64_t> name(source.sizes().begin(), source.sizes().end());
        name.push_back(static_cast<int64_t>(then));
        std::lock_guard<std::mutex> lock(mutex);
        auto found = prepared.find(name);
        if (found != prepared.end()) {
            return found->second;
        }
        dnnl::primitive_attr attributes;
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        dnnl::post_ops after;
        switch (then) {
            case After::nothing: break;
            case After::add_beside: after.append_binary(dnnl::algorithm::binary_add, described(other)); break;
            case After::add_in_place: after.append_sum(1.0f); break;
            case After::gelu: onednn::append_gelu(after); break;
            case After::multiply: after.append_binary(dnnl::algorithm::binary_mul, described(other)); break;
        }
        attributes.set_post_ops(after);
        desc any(dims(weight.sizes().begin(), weight.sizes().end()), type_of(weight), dnnl::memory::format_tag::any);
        desc bias_desc = bias.defined() ? desc(dims{bias.size(0)}, type_of(bias), dnnl::memory::format_tag::a) : desc();
        auto made = std::make_shared<Prepared>();
        if (is_convolution) {
            // a border that the stride does not reach is not read
            dims after_padding = padding;
            for (size_t i = 0; i < 2; i++) {
                int64_t spatial = static_cast<int64_t>(i) + 2;
                after_padding[i] = (out.size(spatial) - 1) * stride[i] + weight.size(spatial) - source.size(spatial) - padding[i];
            }
            auto found_way = onednn::convolution(described(source), any, bias_desc, described(out), stride, padding, after_padding, attributes);
            made->primitive = dnnl::convolution_forward(found_way);
            made->weight = found_way.weights_desc();
            made->scratch = found_way.scratchpad_desc();
        } else {
            auto found_way = onednn::inner_product(described(source), any, bias_desc, described(out), attributes);
            made->primitive = dnnl::inner_product_forward(found_way);
            made->weight = found_way.weights_desc();
            made->scratch = found_way.scratchpad_desc();
        }
        made->packed = packed_as(made->weight);
        prepared[name] = made;
        return made;
    }

    void execute(const at::Tensor& source, const at::Tensor& out, const at::Tensor& other, After then)
    {
        // oneDNN asks OpenMP for its threads, which libtorch sets for each thread at its first parallel loop
        at::internal::lazy_init_num_threads();
        std::shared_ptr<Prepared> way = prepare(source, out, other, then);
        at::Tensor scratch = at::empty({static_cast<int64_t>(way->scratch.get_size())}, at::kByte);
        std::unordered_map<int, dnnl::memory> arguments{
            {DNNL_ARG_SRC, dnnl::memory(described(source), onednn::cpu(), source.data_ptr())},
            {DNNL_ARG_WEIGHTS, way->packed.memory},
            {DNNL_ARG_DST, dnnl::memory(described(out), onednn::cpu(), out.data_ptr())},
            {DNNL_ARG_SCRATCHPAD, dnnl::memory(way->scratch, onednn::cpu(), scratch.data_ptr())},
        };
        if (bias.defined()) {
            arguments.emplace(DNNL_ARG_BIAS, dnnl::memory(desc(dims{bias.size(0)}, type_of(bias), dnnl::memory::format_tag::a), onednn::cpu(), bias.data_ptr()));
        }
        if (then == After::add_beside || then == After::multiply) {
            arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, dnnl::memory(described(other), onednn::cpu(), other.data_ptr()));
        }
        way->primitive.execute(onednn::stream(), arguments);
        onednn::stream().wait();
    }

    at::Tensor linear(const at::Tensor& x, const at::Tensor& added, bool in_place)
    {
        TORCH_CHECK(x.size(-1) == weight.size(1), "the input has ", x.size(-1), " features, the weight takes ", weight.size(1));
        at::Tensor source = x.contiguous().view({-1, x.size(-1)});
        std::vector<int64_t> shape(x.sizes().begin(), x.sizes().end());
        shape.back() = weight.size(0);
        check_added(added, shape);
        const bool reuse = in_place && added.is_contiguous();
        at::Tensor out = reuse ? added : at::empty(shape, x.options());
        if (out.numel() > 0) {
            at::Tensor beside = added.defined() && !reuse ? added.contiguous().view({-1, weight.size(0)}) : added;
            if (const TiledLayer* layer = tiled_layer(false)) {
                layer->run(source, out, beside, 1, 1, source.size(0));
                return out;
            }
            execute(source, out.view({-1, weight.size(0)}), beside, reuse ? After::add_in_place : added.defined() ? After::add_beside : After::nothing);
        }
        return out;
    }

    // (x W1 + b1) * gelu(x W2 + b2), W1 and W2 the halves of the weight's rows; GELU and the product are done where the sums are.
    at::Tensor gated(const at::Tensor& x)
    {
        TORCH_CHECK(weight.size(0) % 2 == 0, "a gated layer has two halves");
        TORCH_CHECK(x.size(-1) == weight.size(1), "the input has ", x.size(-1), " features, the weight takes ", weight.size(1));
        const int64_t size = weight.size(0) / 2;
        at::Tensor source = x.contiguous().view({-1, x.size(-1)});
        std::vector<int64_t> shape(x.sizes().begin(), x.sizes().end());
        shape.back() = size;
        at::Tensor out = at::empty(shape, x.options());
        if (out.numel() > 0) {
            if (const TiledLayer* layer = tiled_layer(true)) {
                layer->run(source, out, {}, 1, 1, source.size(0));
                return out;
            }
            {
                std::lock_guard<std::mutex> lock(mutex);
                if (value == nullptr) {
                    value = half(0);
                    gate = half(1);
                }
            }
            at::Tensor flat = out.view({-1, size}), opened = at::empty(flat.sizes(), x.options());
            gate->execute(source, opened, {}, After::gelu);
            value->execute(source, flat, opened, After::multiply);
        }
        return out;
    }

    at::Tensor convolution(const at::Tensor& x, const at::Tensor& added, bool in_place)
    {
        TORCH_CHECK(x.dim() == 4 && x.size(1) == weight.size(1), "the input is (batch, ", weight.size(1), ", height, width)");
        at::Tensor source = channels_last(x);
        std::vector<int64_t> shape{x.size(0), weight.size(0), 0, 0};
        for (size_t i = 2; i < 4; i++) {
            shape[i] = (x.size(static_cast<int64_t>(i)) + 2 * padding[i - 2] - weight.size(static_cast<int64_t>(i))) / stride[i - 2] + 1;
            TORCH_CHECK(shape[i] > 0, "the kernel is larger than the padded input");
        }
        check_added(added, shape);
        const bool reuse = in_place && has_channels_last(added);
        at::Tensor out = reuse ? added : at::empty(shape, x.options(), at::MemoryFormat::ChannelsLast);
        at::Tensor beside = added.defined() && !reuse ? channels_last(added) : added;
        const TiledLayer* layer = out.numel() > 0 ? tiled_layer(false) : nullptr;
        if (layer != nullptr) {
            layer->run(source, out, beside, x.size(0), x.size(2), x.size(3));
        } else {
            execute(source, out, beside, reuse ? After::add_in_place : added.defined() ? After::add_beside : After::nothing);
        }
        return out;
    }

private:
    std::unique_ptr<Packed> half(int64_t which) const
    {
        const int64_t size = weight.size(0) / 2;
        auto part = std::make_unique<Packed>();
        part->weight = weight.narrow(0, which * size, size);
        part->bias = bias.defined() ? bias.narrow(0, which * size, size).contiguous() : bias;
        part->is_convolution = false;
        return part;
    }

    // Strides as channels last has them, also where sizes of one leave them open.
    static bool has_channels_last(const at::Tensor& tensor)
    {
        return tensor.stride(1) == 1 && tensor.stride(3) == tensor.size(1) && tensor.stride(2) == tensor.size(1) * tensor.size(3) &&
               tensor.stride(0) == tensor.size(1) * tensor.size(2) * tensor.size(3);
    }

    static at::Tensor channels_last(const at::Tensor& tensor)
    {
        return has_channels_last(tensor) ? tensor : at::empty(tensor.sizes(), tensor.options(), at::MemoryFormat::ChannelsLast).copy_(tensor);
    }

    void check_added(const at::Tensor& added, const std::vector<int64_t>& shape) const
    {
        if (added.defined()) {
            TORCH_CHECK(added.sizes() == at::IntArrayRef(shape), "what is added has the shape ", added.sizes(), ", the result ", at::IntArrayRef(shape));
            TORCH_CHECK(added.scalar_type() == weight.scalar_type(), "what is added is of another type than the weight");
        }
    }
};

static Packed* pack(const char* operation, T weight, T bias, bool is_convolution, dims stride, dims padding)
{
    Packed* made = nullptr;
    run(operation, [&] {
        TORCH_CHECK(weight->is_cpu(), "packed layers are for the CPU");
        type_of(*weight);
        auto packed = std::make_unique<Packed>();
        packed->weight = *weight;
        packed->bias = or_undefined(bias);
        if (packed->bias.defined()) {
            type_of(packed->bias);
            packed->bias = packed->bias.contiguous();
        }
        packed->is_convolution = is_convolution;
        packed->stride = std::move(stride);
        packed->padding = std::move(padding);
        made = packed.release();
    }, weight, bias);
    return made;
}

// weight (out, in), bias (out) or null. The tensors are kept, and packed at the first call.
GT_API void* gt_pack_linear(T weight, T bias) { return pack("pack_linear", weight, bias, false, {}, {}); }

// weight (out, in, height, width), bias (out) or null; no groups, no dilation.
GT_API void* gt_pack_conv2d(T weight, T bias, Longs stride, Longs padding)
{
    return pack("pack_conv2d", weight, bias, true, dims(stride.data, stride.data + stride.count), dims(padding.data, padding.data + padding.count));
}

GT_API void gt_packed_free(void* packed) { delete static_cast<Packed*>(packed); }

// The layer's result, plus `added` where given; in_place: into the memory of added.
GT_API T gt_packed_linear(void* packed, T x, T added, int32_t in_place)
{
    Packed* layer = static_cast<Packed*>(packed);
    return make("packed linear", [&] { return layer->linear(*x, or_undefined(added), in_place != 0); }, x, T(&layer->weight), added);
}

// The first half of the layer's result times GELU of the second.
GT_API T gt_packed_geglu(void* packed, T x)
{
    Packed* layer = static_cast<Packed*>(packed);
    return make("packed geglu", [&] { return layer->gated(*x); }, x, T(&layer->weight));
}

GT_API T gt_packed_conv2d(void* packed, T x, T added, int32_t in_place)
{
    Packed* layer = static_cast<Packed*>(packed);
    return make("packed conv2d", [&] { return layer->convolution(*x, or_undefined(added), in_place != 0); }, x, T(&layer->weight), added);
}

// 1 where oneDNN computes in this type at speed; GENERATION_PACK=0 turns packing off.
GT_API int32_t gt_packs(int32_t dtype)
{
    static const bool off = std::getenv("GENERATION_PACK") != nullptr && std::string(std::getenv("GENERATION_PACK")) == "0";
    if (off) {
        return 0;
    }
    return static_cast<at::ScalarType>(dtype) == at::kFloat ? cpu::has_avx2() : narrow::multiplies();
}
#else
GT_API void* gt_pack_linear(T weight, T bias) { return nullptr; }
GT_API void* gt_pack_conv2d(T weight, T bias, Longs stride, Longs padding) { return nullptr; }
GT_API void gt_packed_free(void* packed) {}
GT_API T gt_packed_linear(void* packed, T x, T added, int32_t in_place) { return nullptr; }
GT_API T gt_packed_conv2d(void* packed, T x, T added, int32_t in_place) { return nullptr; }
GT_API T gt_packed_geglu(void* packed, T x) { return nullptr; }
GT_API int32_t gt_packs(int32_t dtype) { return 0; }
#endif
