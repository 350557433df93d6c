// A layer in bfloat16 whose weights are packed for our own products on tiles (tiles/tiles.h).
#pragma once
#include "compat.h"
#include "tiles/tiles.h"
#include <memory>

class TiledLayer {
public:
    // Null where the processor has no tiles or the layer is none of theirs. GENERATION_TILES=0 turns them off.
    // weight (outputs, features) or (outputs, features, side, side), bias (outputs) or undefined; a convolution keeps height and width.
    static std::unique_ptr<TiledLayer> of(const at::Tensor& weight, const at::Tensor& bias, bool gated);

    // source (batch, height, width, features), out and added (batch, height, width, results), all dense; added may be out or undefined.
    void run(const at::Tensor& source, const at::Tensor& out, const at::Tensor& added, int64_t batch, int64_t height, int64_t width) const;

private:
    tiles::Shape shape_{};
    at::Tensor packed_, bias_;
};
