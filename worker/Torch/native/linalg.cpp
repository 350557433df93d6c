// torch.linalg: the few decompositions that adapters and schedulers need.
#include "shim.h"

using namespace shim;

GT_API T gt_linalg_inv(T a) { return make("linalg.inv", [&] { return at::linalg_inv(*a); }, a); }
GT_API T gt_linalg_pinv(T a) { return make("linalg.pinv", [&] { return at::linalg_pinv(*a, 1e-15, false); }, a); }
GT_API T gt_linalg_cholesky(T a) { return make("linalg.cholesky", [&] { return at::linalg_cholesky(*a); }, a); }

GT_API T gt_linalg_vector_norm(T a, double ord, Longs dim, int32_t keepdim)
{
    return make("linalg.vector_norm", [&] { return at::linalg_vector_norm(*a, ord, maybe(dim), keepdim != 0); }, a, ord, dim);
}

GT_API T* gt_linalg_svd(T a, int32_t full, int64_t* count)
{
    return make_many(
        "linalg.svd", count,
        [&] {
            auto all = at::linalg_svd(*a, full != 0);
            return std::vector<at::Tensor>{std::get<0>(all), std::get<1>(all), std::get<2>(all)};
        },
        a);
}

GT_API T* gt_linalg_qr(T a, int64_t* count)
{
    return make_many(
        "linalg.qr", count,
        [&] {
            auto all = at::linalg_qr(*a);
            return std::vector<at::Tensor>{std::get<0>(all), std::get<1>(all)};
        },
        a);
}
