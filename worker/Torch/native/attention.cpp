// Fused attention over tensors: chooses the kernel, cuts the work over libtorch's threads.
#include "attention/attention.h"
#include "cpu.h"
#include "shim.h"

using namespace shim;

namespace {

// The kernels that this processor runs, the fastest first. GENERATION_ATTENTION names one to use alone, or none.
struct Kernels {
    const attention::Kernel* bfloat16 = nullptr;
    const attention::Kernel* float32 = nullptr;

    Kernels()
    {
        const char* named = std::getenv("GENERATION_ATTENTION");
        auto take = [named](const attention::Kernel*& place, bool runs, const attention::Kernel* kernel) {
            if (place == nullptr && runs && kernel != nullptr && (named == nullptr || std::string(named) == kernel->name)) {
                place = kernel;
            }
        };
        take(bfloat16, cpu::has_avx512_bf16() && cpu::has_avx512_vbmi() && cpu::has_tiles(), attention::amx_bf16());
        take(bfloat16, cpu::has_avx512_bf16(), attention::avx512_bf16());
        take(bfloat16, cpu::has_avx512(), attention::avx512());
        take(bfloat16, cpu::has_avx2(), attention::avx2());
        take(float32, cpu::has_avx512(), attention::avx512());
        take(float32, cpu::has_avx2(), attention::avx2());
    }
};

const Kernels& kernels()
{
    static const Kernels all;
    return all;
}

const attention::Kernel* kernel_for(at::ScalarType type)
{
    return type == at::kBFloat16 ? kernels().bfloat16 : type == at::kFloat ? kernels().float32 : nullptr;
}

at::Tensor dense_rows(const at::Tensor& tensor) { return tensor.stride(-1) == 1 ? tensor : tensor.contiguous(); }

// Four dimensions: (batch, heads, rows, size).
at::Tensor four(const at::Tensor& tensor)
{
    switch (tensor.dim()) {
        case 2: return tensor.unsqueeze(0).unsqueeze(0);
        case 3: return tensor.unsqueeze(0);
        default: return tensor;
    }
}

// By our kernel, into out; all (batch, heads, rows, size).
void by_kernel(
    const attention::Kernel& kernel, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask, bool causal, double scale,
    const at::Tensor& out)
{
    const at::Tensor query = dense_rows(q), key = dense_rows(k), value = dense_rows(v);
    const int64_t batch = query.size(0), heads = query.size(1), length = query.size(2), size = query.size(3), keys = key.size(2);
    attention::Task task;
    task.element = query.scalar_type() == at::kBFloat16 ? attention::Element::bfloat16 : attention::Element::float32;
    task.query = query.data_ptr();
    task.key = key.data_ptr();
    task.value = value.data_ptr();
    task.out = out.data_ptr();
    auto strides = [](const at::Tensor& tensor, int64_t& b, int64_t& h, int64_t& r) {
        b = tensor.stride(0);
        h = tensor.stride(1);
        r = tensor.stride(2);
    };
    strides(query, task.query_batch, task.query_head, task.query_row);
    strides(key, task.key_batch, task.key_head, task.key_row);
    strides(value, task.value_batch, task.value_head, task.value_row);
    strides(out, task.out_batch, task.out_head, task.out_row);

    at::Tensor added;
    task.mask = nullptr;
    task.mask_batch = task.mask_head = task.mask_row = task.mask_column = 0;
    if (mask.defined()) {
        if (mask.scalar_type() == at::kBool) {
            added = at::zeros(mask.sizes(), query.options().dtype(at::kFloat)).masked_fill_(mask.logical_not(), -std::numeric_limits<float>::infinity());
        } else {
            added = mask.to(at::kFloat);
        }
        added = added.expand({batch, heads, length, keys});
        task.mask = added.data_ptr<float>();
        task.mask_batch = added.stride(0);
        task.mask_head = added.stride(1);
        task.mask_row = added.stride(2);
        task.mask_column = added.stride(3);
    }
    task.causal = causal;
    task.batch = batch;
    task.heads = heads;
    task.length = length;
    task.keys = keys;
    task.size = size;
    task.scale = static_cast<float>(scale > 0 ? scale : 1.0 / std::sqrt(static_cast<double>(size)));

    at::Tensor packed = at::empty({kernel.packed_bytes(task)}, at::kByte);
    task.packed = packed.data_ptr();
    // a second thread costs some microseconds, which a share of less than four million operations does not win back
    auto units_a_thread = [&](int64_t units, double operations) {
        return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(int64_t{1} << 22) * static_cast<double>(units) / std::max(1.0, operations)));
    };
    const double pairs = static_cast<double>(batch * heads) * static_cast<double>(keys) * static_cast<double>(size);
    const int64_t packs = kernel.pack_units(task), runs = kernel.run_units(task);
    at::parallel_for(0, packs, units_a_thread(packs, 32 * pairs), [&](int64_t begin, int64_t end) { kernel.pack(task, begin, end); });
    at::parallel_for(0, runs, units_a_thread(runs, 4 * pairs * static_cast<double>(length)), [&](int64_t begin, int64_t end) { kernel.run(task, begin, end); });
}

// By slices of queries, so many scores at a time, with a library's matrix products into out: for wide heads in float32, where such a
// product is the faster, and where the processor has no kernel of ours. Sums and powers are float32.
void by_slices(
    int64_t scores_at_a_time, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask, bool causal, double scale,
    at::Tensor& out)
{
    const at::Tensor value = v.to(at::kFloat), turned = k.to(at::kFloat).transpose(-2, -1);
    const int64_t heads = q.size(0) * q.size(1), length = q.size(2), keys = k.size(2);
    const int64_t step = std::max<int64_t>(1, std::min(length, scores_at_a_time / std::max<int64_t>(1, heads * keys)));
    const double factor = scale > 0 ? scale : 1.0 / std::sqrt(static_cast<double>(q.size(3)));
    const at::Tensor added = mask.defined() ? mask.expand({q.size(0), q.size(1), length, keys}) : mask;
    for (int64_t first = 0; first < length; first += step) {
        const int64_t count = std::min(step, length - first);
        at::Tensor scores = at::matmul(q.narrow(2, first, count).to(at::kFloat) * factor, turned);
        if (added.defined()) {
            at::Tensor part = added.narrow(2, first, count);
            part.scalar_type() == at::kBool ? scores.masked_fill_(part.logical_not(), -std::numeric_limits<float>::infinity()) : scores.add_(part);
        }
        if (causal) {
            at::Tensor later = at::ones({count, keys}, scores.options().dtype(at::kBool)).triu_(first + 1);
            scores.masked_fill_(later, -std::numeric_limits<float>::infinity());
        }
        // in place: these are tens of megabytes, and writing them anew takes longer than the powers
        at::_softmax_out(scores, scores, -1, false);
        at::Tensor part = at::matmul(scores, value);
        if (count == length && q.size(1) == 1 && q.scalar_type() == at::kFloat) {
            // of one head: laid out as out is
            out = part;
            return;
        }
        out.narrow(2, first, count).copy_(part);
    }
}

// By measurement: products of our own kernel in float32 fall behind the library's as heads grow wide and long.
bool is_better_sliced(const at::Tensor& query, const at::Tensor& key)
{
    return query.scalar_type() == at::kFloat && query.size(-1) >= 256 && query.size(-2) >= 256 && key.size(-2) >= 256;
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask, bool causal, double scale)
{
    TORCH_CHECK(q.dim() >= 2 && q.dim() <= 4 && k.dim() == q.dim() && v.dim() == q.dim(), "query, key and value have 2 to 4 dimensions, as many each");
    TORCH_CHECK(k.scalar_type() == q.scalar_type() && v.scalar_type() == q.scalar_type(), "query, key and value are of one type");
    const at::Tensor query = four(q), key = four(k), value = four(v);
    const int64_t batch = query.size(0), heads = query.size(1), length = query.size(2), size = query.size(3), keys = key.size(2);
    TORCH_CHECK(
        key.size(0) == batch && value.size(0) == batch && key.size(1) == heads && value.size(1) == heads && value.size(2) == keys && key.size(3) == size &&
            value.size(3) == size,
        "batch, heads, keys and head size must agree");
    TORCH_CHECK(keys > 0, "there are no keys");
    // (batch, rows, heads, size) in memory: what follows attention joins the heads without a copy
    at::Tensor out = at::empty({batch, length, heads, size}, query.options()).transpose(1, 2);
    if (out.numel() > 0) {
        const attention::Kernel* kernel = kernel_for(query.scalar_type());
        // wide slices are the faster, but take memory; what is left to them for want of a kernel has more heads
        constexpr int64_t wide = int64_t{1} << 24, narrow = int64_t{1} << 22;
        if (kernel == nullptr || is_better_sliced(query, key)) {
            by_slices(kernel == nullptr ? narrow : wide, query, key, value, mask, causal, scale, out);
        } else {
            by_kernel(*kernel, query, key, value, mask, causal, scale, out);
        }
    }
    return q.dim() == 4 ? out : q.dim() == 3 ? out.squeeze(0) : out.squeeze(0).squeeze(0);
}

}  // namespace

// 1 where these tensors have attention of ours.
GT_API int32_t gt_can_fuse_attention(T query, T key, T value, T mask)
{
    const bool taken = query->scalar_type() == at::kFloat || query->scalar_type() == at::kBFloat16;
    if (!query->is_cpu() || !taken || query->dim() < 2 || query->dim() > 4) {
        return 0;
    }
    return mask == nullptr || mask->scalar_type() == at::kBool || at::isFloatingType(mask->scalar_type()) ? 1 : 0;
}

// Our attention; scale <= 0: one over the square root of the head size.
GT_API T gt_own_attention(T query, T key, T value, T mask, int32_t causal, double scale)
{
    return make(
        "scaled_dot_product_attention",
        [&] { return attend(*query, *key, *value, or_undefined(mask), causal != 0, scale); },
        query, key, value, mask, causal, scale);
}

// Name of the kernel for a type, for benchmarks and people.
GT_API const char* gt_attention_kernel(int32_t dtype)
{
    const attention::Kernel* kernel = kernel_for(static_cast<at::ScalarType>(dtype));
    return kernel == nullptr ? "none" : kernel->name;
}
