// torch.nn.functional: layers as functions.
#include "narrow.h"
#include "shim.h"

using namespace shim;

GT_API T gt_linear(T a, T weight, T bias)
{
    return make(
        "linear", [&] { return narrow::product([](const auto& x, const auto& w, const auto& b) { return at::linear(x, w, b); }, *a, *weight, maybe(bias)); }, a, weight,
        bias);
}

#define CONVOLUTION(name)                                                                                                      \
    GT_API T gt_##name(T a, T weight, T bias, Longs stride, Longs padding, Longs dilation, int64_t groups)                     \
    {                                                                                                                          \
        return make(                                                                                                           \
            #name,                                                                                                             \
            [&] {                                                                                                              \
                auto convolve = [&](const auto& x, const auto& w, const auto& b) {                                                               \
                    return at::name(x, w, b, list(stride), list(padding), list(dilation), groups);                             \
                };                                                                                                             \
                return narrow::product(convolve, *a, *weight, maybe(bias));                                                    \
            },                                                                                                                 \
            a, weight, bias, stride, padding, dilation, groups);                                                               \
    }

CONVOLUTION(conv1d)
CONVOLUTION(conv2d)
CONVOLUTION(conv3d)

#define TRANSPOSED(name)                                                                                                          \
    GT_API T gt_##name(T a, T weight, T bias, Longs stride, Longs padding, Longs output_padding, int64_t groups, Longs dilation)  \
    {                                                                                                                             \
        return make(                                                                                                              \
            #name,                                                                                                                \
            [&] {                                                                                                                 \
                auto convolve = [&](const auto& x, const auto& w, const auto& b) {                                                                  \
                    return at::name(x, w, b, list(stride), list(padding), list(output_padding), groups, list(dilation));          \
                };                                                                                                                \
                return narrow::product(convolve, *a, *weight, maybe(bias));                                                       \
            },                                                                                                                    \
            a, weight, bias, stride, padding, output_padding, groups, dilation);                                                  \
    }

TRANSPOSED(conv_transpose1d)
TRANSPOSED(conv_transpose2d)
TRANSPOSED(conv_transpose3d)

GT_API T gt_group_norm(T a, int64_t groups, T weight, T bias, double eps)
{
    return make("group_norm", [&] { return at::group_norm(*a, groups, maybe(weight), maybe(bias), eps); }, a, groups, weight, bias, eps);
}

GT_API T gt_instance_norm(T a, T weight, T bias, double eps)
{
    return make(
        "instance_norm",
        [&] { return at::instance_norm(*a, maybe(weight), maybe(bias), compat::none, compat::none, true, 0.1, eps, false); }, a, weight, bias, eps);
}

GT_API T gt_batch_norm(T a, T mean, T var, T weight, T bias, int32_t training, double momentum, double eps)
{
    return make(
        "batch_norm",
        [&] { return at::batch_norm(*a, maybe(weight), maybe(bias), maybe(mean), maybe(var), training != 0, momentum, eps, false); }, a, mean, var,
        weight, bias, eps);
}

GT_API T gt_softmax(T a, int64_t dim, int32_t dtype) { return make("softmax", [&] { return at::softmax(*a, dim, type(dtype)); }, a, dim); }
GT_API T gt_log_softmax(T a, int64_t dim, int32_t dtype) { return make("log_softmax", [&] { return at::log_softmax(*a, dim, type(dtype)); }, a, dim); }
GT_API T gt_embedding(T weight, T indices) { return make("embedding", [&] { return at::embedding(*weight, *indices); }, weight, indices); }
GT_API T gt_one_hot(T a, int64_t classes) { return make("one_hot", [&] { return at::one_hot(*a, classes); }, a, classes); }
GT_API T gt_pixel_shuffle(T a, int64_t factor) { return make("pixel_shuffle", [&] { return at::pixel_shuffle(*a, factor); }, a, factor); }
GT_API T gt_pixel_unshuffle(T a, int64_t factor) { return make("pixel_unshuffle", [&] { return at::pixel_unshuffle(*a, factor); }, a, factor); }
GT_API T gt_mse_loss(T a, T b, int64_t reduction) { return make("mse_loss", [&] { return at::mse_loss(*a, *b, reduction); }, a, b); }
GT_API T gt_l1_loss(T a, T b, int64_t reduction) { return make("l1_loss", [&] { return at::l1_loss(*a, *b, reduction); }, a, b); }

GT_API T gt_cosine_similarity(T a, T b, int64_t dim, double eps)
{
    return make("cosine_similarity", [&] { return at::cosine_similarity(*a, *b, dim, eps); }, a, b, dim);
}

GT_API T gt_avg_pool2d(T a, Longs kernel, Longs stride, Longs padding, int32_t ceil_mode, int32_t count_include_pad)
{
    return make(
        "avg_pool2d", [&] { return at::avg_pool2d(*a, list(kernel), list(stride), list(padding), ceil_mode != 0, count_include_pad != 0); }, a,
        kernel, stride, padding);
}

GT_API T gt_max_pool2d(T a, Longs kernel, Longs stride, Longs padding, Longs dilation, int32_t ceil_mode)
{
    return make(
        "max_pool2d", [&] { return at::max_pool2d(*a, list(kernel), list(stride), list(padding), list(dilation), ceil_mode != 0); }, a, kernel,
        stride, padding, dilation);
}

GT_API T gt_adaptive_avg_pool2d(T a, Longs size) { return make("adaptive_avg_pool2d", [&] { return at::adaptive_avg_pool2d(*a, list(size)); }, a, size); }

GT_API T gt_unfold(T a, Longs kernel, Longs dilation, Longs padding, Longs stride)
{
    return make("unfold", [&] { return at::im2col(*a, list(kernel), list(dilation), list(padding), list(stride)); }, a, kernel, dilation, padding, stride);
}

GT_API T gt_fold(T a, Longs size, Longs kernel, Longs dilation, Longs padding, Longs stride)
{
    return make(
        "fold", [&] { return at::col2im(*a, list(size), list(kernel), list(dilation), list(padding), list(stride)); }, a, size, kernel, dilation,
        padding, stride);
}

// mode: 0 zeros, 1 reflect, 2 replicate, 3 circular, 4 constant
GT_API T gt_pad(T a, Longs pad, int32_t mode, double value)
{
    return make(
        "pad",
        [&] {
            TORCH_CHECK(pad.count % 2 == 0, "padding comes in pairs, but there are ", pad.count, " numbers");
            static const char* const modes[] = {"constant", "reflect", "replicate", "circular", "constant"};
            if (mode == 0 || mode == 4) {
                return at::constant_pad_nd(*a, list(pad), value);
            }
            return at::pad(*a, list(pad), modes[mode], compat::none);
        },
        a, pad, mode);
}

// mode: 0 nearest, 1 linear, 2 bilinear, 3 bicubic, 4 trilinear, 5 area, 6 nearest-exact; size or factors
GT_API T gt_interpolate(T a, Longs size, Doubles factors, int32_t mode, int32_t align_corners, int32_t recompute, int32_t antialias)
{
    return make(
        "interpolate",
        [&]() -> at::Tensor {
            int64_t spatial = a->dim() - 2;
            TORCH_CHECK((size.data == nullptr) != (factors.data == nullptr), "give either a size or scale factors");
            std::vector<int64_t> out;
            std::vector<double> scales;
            if (size.data != nullptr) {
                out.assign(size.data, size.data + size.count);
                out.resize(static_cast<size_t>(spatial), out.empty() ? 0 : out.back());
            } else {
                scales.assign(factors.data, factors.data + factors.count);
                scales.resize(static_cast<size_t>(spatial), scales.empty() ? 1 : scales.back());
                for (int64_t i = 0; i < spatial; i++) {
                    out.push_back(static_cast<int64_t>(std::floor(static_cast<double>(a->size(i + 2)) * scales[static_cast<size_t>(i)])));
                }
            }
            using factor = compat::optional<double>;
            auto scale = [&](int64_t i) {
                return scales.empty() || recompute != 0 ? factor() : factor(scales[static_cast<size_t>(i)]);
            };
            bool corners = align_corners > 0;
            if (mode == 5) {
                switch (spatial) {
                    case 1: return at::adaptive_avg_pool1d(*a, out);
                    case 2: return at::adaptive_avg_pool2d(*a, out);
                    default: return at::adaptive_avg_pool3d(*a, out);
                }
            }
            if (antialias != 0) {
                TORCH_CHECK(spatial == 2 && (mode == 2 || mode == 3), "antialiasing is there for bilinear and bicubic pictures");
                return mode == 2 ? at::_upsample_bilinear2d_aa(*a, out, corners, scale(0), scale(1))
                                 : at::_upsample_bicubic2d_aa(*a, out, corners, scale(0), scale(1));
            }
            switch (mode * 10 + spatial) {
                case 1: return at::upsample_nearest1d(*a, out, scale(0));
                case 2: return at::upsample_nearest2d(*a, out, scale(0), scale(1));
                case 3: return at::upsample_nearest3d(*a, out, scale(0), scale(1), scale(2));
                case 61: return at::_upsample_nearest_exact1d(*a, out, scale(0));
                case 62: return at::_upsample_nearest_exact2d(*a, out, scale(0), scale(1));
                case 63: return at::_upsample_nearest_exact3d(*a, out, scale(0), scale(1), scale(2));
                case 11: return at::upsample_linear1d(*a, out, corners, scale(0));
                case 22: return at::upsample_bilinear2d(*a, out, corners, scale(0), scale(1));
                case 32: return at::upsample_bicubic2d(*a, out, corners, scale(0), scale(1));
                case 43: return at::upsample_trilinear3d(*a, out, corners, scale(0), scale(1), scale(2));
                default: TORCH_CHECK(false, "mode ", mode, " does not fit ", spatial, " spatial dimensions");
            }
        },
        a, size, factors, mode);
}

GT_API T gt_grid_sample(T a, T grid, int64_t mode, int64_t padding, int32_t align_corners)
{
    return make("grid_sample", [&] { return at::grid_sampler(*a, *grid, mode, padding, align_corners != 0); }, a, grid);
}

GT_API T gt_dropout(T a, double p, int32_t training) { return make("dropout", [&] { return at::dropout(*a, p, training != 0); }, a, p); }

// libtorch's own fused attention; fails on 1.13. scale <= 0: one over the square root of the head size.
GT_API T gt_fused_attention(T query, T key, T value, T mask, int32_t causal, double scale)
{
    return make(
        "scaled_dot_product_attention",
        [&] {
            return compat::fused_attention(
                *query, *key, *value, maybe(mask), causal != 0, scale > 0 ? compat::optional<double>(scale) : compat::none);
        },
        query, key, value, mask, causal, scale);
}
