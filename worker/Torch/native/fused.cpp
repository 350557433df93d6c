// Group norm with what comes before and after it, and GEGLU, in as few passes over memory as they need.
#include "cpu.h"
#include "pointwise/pointwise.h"
#include "shim.h"
#include <sys/mman.h>

using namespace shim;

namespace {

const pointwise::Loops& loops()
{
    static const pointwise::Loops* const chosen = cpu::has_avx512() ? &pointwise::avx512()
        : cpu::has_avx2() ? &pointwise::avx2()
                          : &pointwise::baseline();
    return *chosen;
}

// Rows of so many numbers that a thread has enough to do: a second one costs some microseconds.
int64_t rows_a_thread(int64_t numbers_a_row) { return std::max<int64_t>(1, 32768 / std::max<int64_t>(1, numbers_a_row)); }

// Brings a file's pages into the map at once, where the system can (Linux 5.14); else each comes with its first use.
void populate(const char* from, int64_t size)
{
    constexpr uintptr_t page = 4096;
    constexpr int populate_read = 22;
    const uintptr_t start = reinterpret_cast<uintptr_t>(from) / page * page;
    madvise(reinterpret_cast<void*>(start), reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(size) - start, populate_read);
}

bool ours(const at::Tensor& tensor) { return tensor.is_cpu() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16); }

const char* bytes(const at::Tensor& tensor) { return static_cast<const char*>(tensor.data_ptr()); }

at::Tensor group_norm(const at::Tensor& input, int64_t groups, const at::Tensor& weight, const at::Tensor& bias, double eps, bool silu, const at::Tensor& added)
{
    TORCH_CHECK(input.dim() >= 2, "the input is (batch, channels, ..)");
    const int64_t batch = input.size(0), channels = input.size(1);
    TORCH_CHECK(groups > 0 && channels % groups == 0, channels, " channels do not divide into ", groups, " groups");
    TORCH_CHECK(!weight.defined() || weight.numel() == channels, "the weight has ", weight.numel(), " numbers for ", channels, " channels");
    TORCH_CHECK(!bias.defined() || bias.numel() == channels, "the bias has ", bias.numel(), " numbers for ", channels, " channels");
    const bool last = input.dim() == 4 && input.is_contiguous(at::MemoryFormat::ChannelsLast) && !input.is_contiguous();
    const at::Tensor x = last ? input : input.contiguous();
    at::Tensor y = at::empty_like(x);
    if (x.numel() == 0) {
        return y;
    }
    const int64_t area = x.numel() / batch / channels, in_group = channels / groups;
    const bool narrow = x.scalar_type() == at::kBFloat16;
    const int64_t width = static_cast<int64_t>(x.element_size());
    auto plain = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.to(at::kFloat).contiguous() : tensor; };
    const at::Tensor gain = plain(weight), offset = plain(bias);
    at::Tensor extra;
    if (added.defined()) {
        TORCH_CHECK(added.numel() == batch * channels, "what is added is (batch, channels)");
        extra = plain(added.reshape({batch, channels}));
    }

    // sums of each channel, by runs of rows that threads share
    const int64_t threads = at::get_num_threads();
    int64_t cuts = 1;
    if (last) {
        cuts = std::min<int64_t>(std::max<int64_t>(1, area / 64), (2 * threads + batch - 1) / batch);
    }
    const int64_t run_rows = (area + cuts - 1) / cuts;
    std::vector<double> partial(static_cast<size_t>(batch * cuts * channels * 2), 0.0);
    if (last) {
        at::parallel_for(0, batch * cuts, rows_a_thread(run_rows * channels), [&](int64_t begin, int64_t end) {
            for (int64_t unit = begin; unit < end; unit++) {
                const int64_t b = unit / cuts, first = unit % cuts * run_rows, rows = std::min(run_rows, area - first);
                double* sums = partial.data() + unit * channels * 2;
                if (rows > 0) {
                    loops().sum_rows(bytes(x) + (b * area + first) * channels * width, narrow, rows, channels, sums, sums + channels);
                }
            }
        });
    } else {
        at::parallel_for(0, batch * channels, rows_a_thread(area), [&](int64_t begin, int64_t end) {
            for (int64_t unit = begin; unit < end; unit++) {
                double* sums = partial.data() + unit / channels * channels * 2 + unit % channels;
                loops().sum_run(bytes(x) + unit * area * width, narrow, area, sums, sums + channels);
            }
        });
    }

    // the norm as a scale and a shift of each channel
    std::vector<float> scale(static_cast<size_t>(batch * channels)), shift(scale.size());
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t g = 0; g < groups; g++) {
            double sum = 0, square = 0;
            for (int64_t c = g * in_group; c < (g + 1) * in_group; c++) {
                double own = 0, own_square = 0;
                for (int64_t cut = 0; cut < cuts; cut++) {
                    const double* sums = partial.data() + (b * cuts + cut) * channels * 2;
                    own += sums[c];
                    own_square += sums[channels + c];
                }
                if (extra.defined()) {
                    const double more = extra.data_ptr<float>()[b * channels + c];
                    own_square += 2 * more * own + more * more * static_cast<double>(area);
                    own += more * static_cast<double>(area);
                }
                sum += own;
                square += own_square;
            }
            const double count = static_cast<double>(in_group * area), mean = sum / count;
            const double inverse = 1.0 / std::sqrt(std::max(0.0, square / count - mean * mean) + eps);
            for (int64_t c = g * in_group; c < (g + 1) * in_group; c++) {
                const double by = gain.defined() ? gain.data_ptr<float>()[c] * inverse : inverse;
                double move = (offset.defined() ? offset.data_ptr<float>()[c] : 0.0) - mean * by;
                if (extra.defined()) {
                    move += by * extra.data_ptr<float>()[b * channels + c];
                }
                scale[static_cast<size_t>(b * channels + c)] = static_cast<float>(by);
                shift[static_cast<size_t>(b * channels + c)] = static_cast<float>(move);
            }
        }
    }

    char* out = static_cast<char*>(y.data_ptr());
    if (last) {
        at::parallel_for(0, batch * cuts, rows_a_thread(run_rows * channels), [&](int64_t begin, int64_t end) {
            for (int64_t unit = begin; unit < end; unit++) {
                const int64_t b = unit / cuts, first = unit % cuts * run_rows, rows = std::min(run_rows, area - first), place = (b * area + first) * channels * width;
                if (rows > 0) {
                    loops().scale_rows(bytes(x) + place, out + place, narrow, rows, channels, scale.data() + b * channels, shift.data() + b * channels, silu);
                }
            }
        });
    } else {
        at::parallel_for(0, batch * channels, rows_a_thread(area), [&](int64_t begin, int64_t end) {
            for (int64_t unit = begin; unit < end; unit++) {
                loops().scale_run(bytes(x) + unit * area * width, out + unit * area * width, narrow, area, scale[static_cast<size_t>(unit)], shift[static_cast<size_t>(unit)], silu);
            }
        });
    }
    return y;
}

}  // namespace

// Group norm, over input + added (batch, channels) where given, then SiLU if asked; sums in wider numbers than the input's.
GT_API T gt_fused_group_norm(T a, int64_t groups, T weight, T bias, double eps, int32_t silu, T added)
{
    return make(
        "group_norm", [&] { return group_norm(*a, groups, or_undefined(weight), or_undefined(bias), eps, silu != 0, or_undefined(added)); }, a, groups,
        weight, bias, eps, added);
}

// Layer norm over the last dimension: ours where the row's numbers are float32 or bfloat16.
GT_API T gt_layer_norm(T a, Longs shape, T weight, T bias, double eps)
{
    return make(
        "layer_norm",
        [&] {
            const int64_t size = shape.count == 1 ? shape.data[0] : 0;
            auto fits = [&](T tensor) { return tensor == nullptr || tensor->numel() == size; };
            if (!ours(*a) || size == 0 || a->dim() == 0 || a->size(-1) != size || !fits(weight) || !fits(bias)) {
                return at::layer_norm(*a, list(shape), maybe(weight), maybe(bias), eps);
            }
            auto plain = [](T tensor) { return tensor == nullptr ? at::Tensor() : tensor->to(at::kFloat).contiguous(); };
            const at::Tensor x = a->contiguous(), gain = plain(weight), offset = plain(bias);
            at::Tensor y = at::empty(x.sizes(), x.options());
            const int64_t rows = x.numel() / size, width = static_cast<int64_t>(x.element_size());
            const bool narrow = x.scalar_type() == at::kBFloat16;
            char* out = static_cast<char*>(y.data_ptr());
            at::parallel_for(0, rows, rows_a_thread(size), [&](int64_t begin, int64_t end) {
                loops().layer_norm(
                    bytes(x) + begin * size * width, out + begin * size * width, narrow, end - begin, size, gain.defined() ? gain.data_ptr<float>() : nullptr,
                    offset.defined() ? offset.data_ptr<float>() : nullptr, eps);
            });
            return y;
        },
        a, shape, weight, bias, eps);
}

// x[.., :n] * gelu(x[.., n:]) over the last dimension.
GT_API T gt_geglu(T a)
{
    return make(
        "geglu",
        [&] {
            TORCH_CHECK(a->dim() > 0 && a->size(-1) % 2 == 0, "the last dimension is the gate and its input, of one size");
            const at::Tensor x = a->contiguous();
            std::vector<int64_t> shape(x.sizes().begin(), x.sizes().end());
            const int64_t size = shape.back() / 2, rows = size == 0 ? 0 : x.numel() / (2 * size), width = static_cast<int64_t>(x.element_size());
            shape.back() = size;
            at::Tensor y = at::empty(shape, x.options());
            char* out = static_cast<char*>(y.data_ptr());
            const bool narrow = x.scalar_type() == at::kBFloat16;
            at::parallel_for(0, rows, rows_a_thread(size), [&](int64_t begin, int64_t end) {
                loops().geglu(bytes(x) + begin * 2 * size * width, out + begin * size * width, narrow, end - begin, size);
            });
            return y;
        },
        a);
}

// 1 where the fused passes take this tensor.
GT_API int32_t gt_can_fuse(T a) { return ours(*a) ? 1 : 0; }

// A new tensor of the numbers at `from`, converted by all threads; null without an error where the types are not ours.
GT_API T gt_converted(const void* from, int32_t stored, Longs shape, int32_t dtype)
{
    auto number = [](int32_t type, pointwise::Number& number) {
        switch (static_cast<at::ScalarType>(type)) {
            case at::kFloat: number = pointwise::Number::float32; return true;
            case at::kHalf: number = pointwise::Number::float16; return true;
            case at::kBFloat16: number = pointwise::Number::bfloat16; return true;
            default: return false;
        }
    };
    pointwise::Number is, wanted;
    if (!number(stored, is) || !number(dtype, wanted) || wanted == pointwise::Number::float16) {
        return nullptr;
    }
    return make(
        "converted",
        [&] {
            at::Tensor made = at::empty(list(shape), options(dtype, -1, 0));
            const int64_t width = is == pointwise::Number::float32 ? 4 : 2, wide = static_cast<int64_t>(made.element_size()), count = made.numel();
            const char* source = static_cast<const char*>(from);
            char* out = static_cast<char*>(made.data_ptr());
            // pieces begin at whole lines of the cache
            constexpr int64_t piece = 1 << 18;
            at::parallel_for(0, (count + piece - 1) / piece, 1, [&](int64_t begin, int64_t end) {
                for (int64_t p = begin; p < end; p++) {
                    const int64_t first = p * piece, numbers = std::min(piece, count - first);
                    populate(source + first * width, numbers * width);
                    loops().convert(source + first * width, is, out + first * wide, wanted, numbers);
                }
            });
            return made;
        },
        shape, stored, dtype);
}
