// Sums, extremes, orders.
#include "shim.h"

using namespace shim;

#define WHOLE(name) \
    GT_API T gt_##name##_all(T a) { return make(#name, [&] { return at::name(*a); }, a); }

WHOLE(max)
WHOLE(min)
WHOLE(all)
WHOLE(any)
WHOLE(median)

// dim absent: over everything
GT_API T gt_sum(T a, Longs dim, int32_t keepdim, int32_t dtype) { return make("sum", [&] { return at::sum(*a, maybe(dim), keepdim != 0, type(dtype)); }, a, dim); }
GT_API T gt_mean(T a, Longs dim, int32_t keepdim, int32_t dtype) { return make("mean", [&] { return at::mean(*a, maybe(dim), keepdim != 0, type(dtype)); }, a, dim); }
GT_API T gt_std(T a, Longs dim, int32_t unbiased, int32_t keepdim) { return make("std", [&] { return at::std(*a, maybe(dim), unbiased != 0, keepdim != 0); }, a, dim); }
GT_API T gt_var(T a, Longs dim, int32_t unbiased, int32_t keepdim) { return make("var", [&] { return at::var(*a, maybe(dim), unbiased != 0, keepdim != 0); }, a, dim); }
GT_API T gt_prod(T a, int32_t dtype) { return make("prod", [&] { return at::prod(*a, type(dtype)); }, a); }
GT_API T gt_prod_dim(T a, int64_t dim, int32_t keepdim, int32_t dtype) { return make("prod", [&] { return at::prod(*a, dim, keepdim != 0, type(dtype)); }, a, dim); }
GT_API T gt_amax(T a, Longs dim, int32_t keepdim) { return make("amax", [&] { return at::amax(*a, list(dim), keepdim != 0); }, a, dim); }
GT_API T gt_amin(T a, Longs dim, int32_t keepdim) { return make("amin", [&] { return at::amin(*a, list(dim), keepdim != 0); }, a, dim); }
GT_API T gt_all_dim(T a, int64_t dim, int32_t keepdim) { return make("all", [&] { return at::all(*a, dim, keepdim != 0); }, a, dim); }
GT_API T gt_any_dim(T a, int64_t dim, int32_t keepdim) { return make("any", [&] { return at::any(*a, dim, keepdim != 0); }, a, dim); }
GT_API T gt_logsumexp(T a, Longs dim, int32_t keepdim) { return make("logsumexp", [&] { return at::logsumexp(*a, list(dim), keepdim != 0); }, a, dim); }
GT_API T gt_norm(T a, double p) { return make("norm", [&] { return at::norm(*a, p); }, a, p); }
GT_API T gt_norm_dim(T a, double p, Longs dim, int32_t keepdim) { return make("norm", [&] { return at::norm(*a, at::Scalar(p), list(dim), keepdim != 0); }, a, p, dim); }
GT_API T gt_cumsum(T a, int64_t dim, int32_t dtype) { return make("cumsum", [&] { return at::cumsum(*a, dim, type(dtype)); }, a, dim); }
GT_API T gt_cumprod(T a, int64_t dim, int32_t dtype) { return make("cumprod", [&] { return at::cumprod(*a, dim, type(dtype)); }, a, dim); }
GT_API T gt_diff(T a, int64_t n, int64_t dim) { return make("diff", [&] { return at::diff(*a, n, dim); }, a, n, dim); }
GT_API T gt_count_nonzero(T a, Longs dim) { return make("count_nonzero", [&] { return dim.data == nullptr ? at::count_nonzero(*a) : at::count_nonzero(*a, list(dim)); }, a, dim); }
GT_API T gt_argsort(T a, int64_t dim, int32_t descending) { return make("argsort", [&] { return at::argsort(*a, dim, descending != 0); }, a, dim); }
GT_API T gt_quantile(T a, T q, int64_t dim, int32_t has_dim, int32_t keepdim) { return make("quantile", [&] { return at::quantile(*a, *q, has_dim ? compat::optional<int64_t>(dim) : compat::none, keepdim != 0); }, a, q, dim); }

GT_API T gt_argmax(T a, int64_t dim, int32_t has_dim, int32_t keepdim)
{
    return make("argmax", [&] { return at::argmax(*a, has_dim ? compat::optional<int64_t>(dim) : compat::none, keepdim != 0); }, a);
}

GT_API T gt_argmin(T a, int64_t dim, int32_t has_dim, int32_t keepdim)
{
    return make("argmin", [&] { return at::argmin(*a, has_dim ? compat::optional<int64_t>(dim) : compat::none, keepdim != 0); }, a);
}

static std::vector<at::Tensor> pair(std::tuple<at::Tensor, at::Tensor>&& both)
{
    return {std::move(std::get<0>(both)), std::move(std::get<1>(both))};
}

GT_API T* gt_max_dim(T a, int64_t dim, int32_t keepdim, int64_t* count) { return make_many("max", count, [&] { return pair(at::max(*a, dim, keepdim != 0)); }, a, dim); }
GT_API T* gt_min_dim(T a, int64_t dim, int32_t keepdim, int64_t* count) { return make_many("min", count, [&] { return pair(at::min(*a, dim, keepdim != 0)); }, a, dim); }
GT_API T* gt_sort(T a, int64_t dim, int32_t descending, int32_t stable, int64_t* count) { return make_many("sort", count, [&] { return pair(at::sort(*a, compat::optional<bool>(stable != 0), dim, descending != 0)); }, a, dim); }
GT_API T* gt_topk(T a, int64_t k, int64_t dim, int32_t largest, int32_t sorted, int64_t* count) { return make_many("topk", count, [&] { return pair(at::topk(*a, k, dim, largest != 0, sorted != 0)); }, a, k, dim); }
GT_API T* gt_cummax(T a, int64_t dim, int64_t* count) { return make_many("cummax", count, [&] { return pair(at::cummax(*a, dim)); }, a, dim); }
GT_API T* gt_cummin(T a, int64_t dim, int64_t* count) { return make_many("cummin", count, [&] { return pair(at::cummin(*a, dim)); }, a, dim); }
GT_API T* gt_var_mean(T a, Longs dim, int32_t unbiased, int32_t keepdim, int64_t* count) { return make_many("var_mean", count, [&] { return pair(at::var_mean(*a, maybe(dim), unbiased != 0, keepdim != 0)); }, a, dim); }
GT_API T* gt_std_mean(T a, Longs dim, int32_t unbiased, int32_t keepdim, int64_t* count) { return make_many("std_mean", count, [&] { return pair(at::std_mean(*a, maybe(dim), unbiased != 0, keepdim != 0)); }, a, dim); }

GT_API T* gt_unique(T a, int32_t sorted, int32_t inverse, int32_t counts, int64_t* count)
{
    return make_many(
        "unique", count,
        [&] {
            auto all = at::_unique2(*a, sorted != 0, inverse != 0, counts != 0);
            return std::vector<at::Tensor>{std::get<0>(all), std::get<1>(all), std::get<2>(all)};
        },
        a);
}
