#include "packed_tiles.h"
#include "cpu.h"
#include <cstdlib>
#include <string>

namespace {

const tiles::Kernel* kernel()
{
    static const tiles::Kernel* const chosen = [] {
        const char* wanted = std::getenv("GENERATION_TILES");
        const bool off = wanted != nullptr && std::string(wanted) == "0";
        return !off && cpu::has_avx512_bf16() && cpu::has_tiles() ? tiles::amx_bf16() : nullptr;
    }();
    return chosen;
}

}  // namespace

std::unique_ptr<TiledLayer> TiledLayer::of(const at::Tensor& weight, const at::Tensor& bias, bool gated)
{
    const bool square = weight.dim() == 2 || (weight.dim() == 4 && weight.size(2) == weight.size(3));
    if (kernel() == nullptr || weight.scalar_type() != at::kBFloat16 || !square) {
        return nullptr;
    }
    auto layer = std::make_unique<TiledLayer>();
    tiles::Shape& shape = layer->shape_;
    shape = {weight.size(0), weight.size(1), weight.dim() == 4 ? weight.size(2) : 1, gated};
    if (!kernel()->takes(shape)) {
        return nullptr;
    }
    const at::Tensor plain = weight.contiguous();
    const uint16_t* from = static_cast<const uint16_t*>(plain.data_ptr());
    layer->packed_ = at::empty({kernel()->packed_bytes(shape)}, at::kByte);
    void* to = layer->packed_.data_ptr();
    at::parallel_for(0, kernel()->pack_units(shape), 1, [&](int64_t begin, int64_t end) { kernel()->pack(shape, from, to, begin, end); });
    layer->bias_ = bias.defined() ? bias.to(at::kFloat).contiguous() : bias;
    return layer;
}

void TiledLayer::run(const at::Tensor& source, const at::Tensor& out, const at::Tensor& added, int64_t batch, int64_t height, int64_t width) const
{
    tiles::Task task{};
    task.shape = shape_;
    task.packed = packed_.data_ptr();
    task.bias = bias_.defined() ? bias_.data_ptr<float>() : nullptr;
    task.source = static_cast<const uint16_t*>(source.data_ptr());
    task.out = static_cast<uint16_t*>(out.data_ptr());
    task.added = added.defined() ? static_cast<const uint16_t*>(added.data_ptr()) : nullptr;
    task.batch = batch;
    task.height = height;
    task.width = width;
    const int64_t units = kernel()->plan(task, at::get_num_threads());
    at::parallel_for(0, units, 1, [&](int64_t begin, int64_t end) { kernel()->run(task, begin, end); });
}
