// Views, joins, cuts and indices.
#include "shim.h"
#include <ATen/TensorIndexing.h>

using namespace shim;

GT_API T gt_reshape(T a, Longs shape) { return make("reshape", [&] { return a->reshape(list(shape)); }, a, shape); }
GT_API T gt_view(T a, Longs shape) { return make("view", [&] { return a->view(list(shape)); }, a, shape); }
GT_API T gt_view_dtype(T a, int32_t dtype) { return make("view", [&] { return a->view(static_cast<at::ScalarType>(dtype)); }, a, dtype); }
GT_API T gt_as_strided(T a, Longs size, Longs stride, int64_t offset) { return make("as_strided", [&] { return a->as_strided(list(size), list(stride), offset); }, a, size, stride); }
GT_API T gt_expand(T a, Longs size) { return make("expand", [&] { return a->expand(list(size)); }, a, size); }
GT_API T gt_repeat(T a, Longs repeats) { return make("repeat", [&] { return a->repeat(list(repeats)); }, a, repeats); }
GT_API T gt_tile(T a, Longs repeats) { return make("tile", [&] { return a->tile(list(repeats)); }, a, repeats); }
GT_API T gt_permute(T a, Longs dims) { return make("permute", [&] { return a->permute(list(dims)); }, a, dims); }
GT_API T gt_transpose(T a, int64_t dim0, int64_t dim1) { return make("transpose", [&] { return a->transpose(dim0, dim1); }, a, dim0, dim1); }
GT_API T gt_movedim(T a, Longs source, Longs destination) { return make("movedim", [&] { return a->movedim(list(source), list(destination)); }, a, source, destination); }
GT_API T gt_flatten(T a, int64_t start, int64_t end) { return make("flatten", [&] { return a->flatten(start, end); }, a, start, end); }
GT_API T gt_squeeze(T a) { return make("squeeze", [&] { return a->squeeze(); }, a); }
GT_API T gt_squeeze_dim(T a, int64_t dim) { return make("squeeze", [&] { return a->squeeze(dim); }, a, dim); }
GT_API T gt_unsqueeze(T a, int64_t dim) { return make("unsqueeze", [&] { return a->unsqueeze(dim); }, a, dim); }
GT_API T gt_narrow(T a, int64_t dim, int64_t start, int64_t length) { return make("narrow", [&] { return a->narrow(dim, start, length); }, a, dim, start, length); }
GT_API T gt_select(T a, int64_t dim, int64_t index) { return make("select", [&] { return a->select(dim, index); }, a, dim, index); }
GT_API T gt_slice(T a, int64_t dim, int64_t start, int64_t end, int64_t step) { return make("slice", [&] { return a->slice(dim, start, end, step); }, a, dim, start, end, step); }
GT_API T gt_flip(T a, Longs dims) { return make("flip", [&] { return a->flip(list(dims)); }, a, dims); }
GT_API T gt_roll(T a, Longs shifts, Longs dims) { return make("roll", [&] { return a->roll(list(shifts), dims.data == nullptr ? at::IntArrayRef() : list(dims)); }, a, shifts, dims); }
GT_API T gt_rot90(T a, int64_t k, Longs dims) { return make("rot90", [&] { return a->rot90(k, list(dims)); }, a, k, dims); }
GT_API T gt_diag(T a, int64_t diagonal) { return make("diag", [&] { return a->diag(diagonal); }, a, diagonal); }
GT_API T gt_diagonal(T a, int64_t offset, int64_t dim1, int64_t dim2) { return make("diagonal", [&] { return a->diagonal(offset, dim1, dim2); }, a, offset, dim1, dim2); }
GT_API T gt_unfold_dim(T a, int64_t dim, int64_t size, int64_t step) { return make("unfold", [&] { return a->unfold(dim, size, step); }, a, dim, size, step); }
GT_API T gt_repeat_interleave(T a, int64_t repeats, int64_t dim, int32_t has_dim) { return make("repeat_interleave", [&] { return a->repeat_interleave(repeats, has_dim ? compat::optional<int64_t>(dim) : compat::none); }, a, repeats, dim); }
GT_API T gt_repeat_interleave_tensor(T a, T repeats, int64_t dim, int32_t has_dim) { return make("repeat_interleave", [&] { return a->repeat_interleave(*repeats, has_dim ? compat::optional<int64_t>(dim) : compat::none); }, a, repeats, dim); }
GT_API T gt_unflatten(T a, int64_t dim, Longs sizes)
{
    return make(
        "unflatten",
        [&] {
            int64_t at_dim = dim < 0 ? dim + a->dim() : dim;
            TORCH_CHECK(at_dim >= 0 && at_dim < a->dim(), "dimension ", dim, " is not one of the ", a->dim(), " that the tensor has");
            std::vector<int64_t> shape(a->sizes().begin(), a->sizes().end());
            shape.erase(shape.begin() + at_dim);
            shape.insert(shape.begin() + at_dim, sizes.data, sizes.data + sizes.count);
            int64_t known = 1;
            int64_t* open = nullptr;
            for (int64_t i = at_dim; i < at_dim + sizes.count; i++) {
                if (shape[static_cast<size_t>(i)] == -1) {
                    TORCH_CHECK(open == nullptr, "only one size can be -1");
                    open = &shape[static_cast<size_t>(i)];
                } else {
                    known *= shape[static_cast<size_t>(i)];
                }
            }
            if (open != nullptr && known > 0) {
                *open = a->size(at_dim) / known;
                known *= *open;
            }
            TORCH_CHECK(known == a->size(at_dim), "the sizes' product is not ", a->size(at_dim), ", the size of dimension ", dim);
            return a->view(shape);
        },
        a, dim, sizes);
}

GT_API T gt_cat(Tensors tensors, int64_t dim) { return make("cat", [&] { return at::cat(vector(tensors), dim); }, tensors, dim); }
GT_API T gt_stack(Tensors tensors, int64_t dim) { return make("stack", [&] { return at::stack(vector(tensors), dim); }, tensors, dim); }
GT_API T* gt_meshgrid(Tensors tensors, int32_t xy, int64_t* count) { return make_many("meshgrid", count, [&] { return at::meshgrid(vector(tensors), xy != 0 ? "xy" : "ij"); }, tensors); }
GT_API T* gt_broadcast_tensors(Tensors tensors, int64_t* count) { return make_many("broadcast_tensors", count, [&] { return at::broadcast_tensors(vector(tensors)); }, tensors); }
GT_API T* gt_chunk(T a, int64_t chunks, int64_t dim, int64_t* count) { return make_many("chunk", count, [&] { return a->chunk(chunks, dim); }, a, chunks, dim); }
GT_API T* gt_split(T a, int64_t size, int64_t dim, int64_t* count) { return make_many("split", count, [&] { return a->split(size, dim); }, a, size, dim); }
GT_API T* gt_split_sizes(T a, Longs sizes, int64_t dim, int64_t* count) { return make_many("split", count, [&] { return a->split_with_sizes(list(sizes), dim); }, a, sizes, dim); }
GT_API T* gt_tensor_split(T a, int64_t sections, int64_t dim, int64_t* count) { return make_many("tensor_split", count, [&] { return a->tensor_split(sections, dim); }, a, sections, dim); }
GT_API T* gt_unbind(T a, int64_t dim, int64_t* count) { return make_many("unbind", count, [&] { return a->unbind(dim); }, a, dim); }

GT_API T gt_gather(T a, int64_t dim, T index) { return make("gather", [&] { return a->gather(dim, *index); }, a, dim, index); }
GT_API T gt_index_select(T a, int64_t dim, T index) { return make("index_select", [&] { return a->index_select(dim, *index); }, a, dim, index); }
GT_API T gt_scatter(T a, int64_t dim, T index, T source) { return make("scatter", [&] { return a->scatter(dim, *index, *source); }, a, dim, index, source); }
GT_API int32_t gt_scatter_(T a, int64_t dim, T index, T source) { return run("scatter_", [&] { a->scatter_(dim, *index, *source); }, a, dim, index, source); }
GT_API T gt_scatter_add(T a, int64_t dim, T index, T source) { return make("scatter_add", [&] { return a->scatter_add(dim, *index, *source); }, a, dim, index, source); }
GT_API T gt_index_add(T a, int64_t dim, T index, T source, Scalar alpha) { return make("index_add", [&] { return a->index_add(dim, *index, *source, number(alpha)); }, a, dim, index, source); }
GT_API int32_t gt_index_add_(T a, int64_t dim, T index, T source, Scalar alpha) { return run("index_add_", [&] { a->index_add_(dim, *index, *source, number(alpha)); }, a, dim, index, source); }
GT_API T gt_index_copy(T a, int64_t dim, T index, T source) { return make("index_copy", [&] { return a->index_copy(dim, *index, *source); }, a, dim, index, source); }
GT_API int32_t gt_index_copy_(T a, int64_t dim, T index, T source) { return run("index_copy_", [&] { a->index_copy_(dim, *index, *source); }, a, dim, index, source); }
GT_API T gt_index_fill(T a, int64_t dim, T index, Scalar value) { return make("index_fill", [&] { return a->index_fill(dim, *index, number(value)); }, a, dim, index, value); }
GT_API int32_t gt_index_fill_(T a, int64_t dim, T index, Scalar value) { return run("index_fill_", [&] { a->index_fill_(dim, *index, number(value)); }, a, dim, index, value); }
GT_API T gt_masked_fill(T a, T mask, Scalar value) { return make("masked_fill", [&] { return a->masked_fill(*mask, number(value)); }, a, mask, value); }
GT_API int32_t gt_masked_fill_(T a, T mask, Scalar value) { return run("masked_fill_", [&] { a->masked_fill_(*mask, number(value)); }, a, mask, value); }
GT_API T gt_masked_select(T a, T mask) { return make("masked_select", [&] { return a->masked_select(*mask); }, a, mask); }
GT_API T gt_masked_scatter(T a, T mask, T source) { return make("masked_scatter", [&] { return a->masked_scatter(*mask, *source); }, a, mask, source); }
GT_API T gt_take(T a, T index) { return make("take", [&] { return a->take(*index); }, a, index); }
GT_API T gt_take_along_dim(T a, T index, int64_t dim, int32_t has_dim) { return make("take_along_dim", [&] { return a->take_along_dim(*index, has_dim ? compat::optional<int64_t>(dim) : compat::none); }, a, index, dim); }
GT_API T gt_where(T condition, T a, T b) { return make("where", [&] { return at::where(*condition, *a, *b); }, condition, a, b); }
GT_API T gt_searchsorted(T sorted, T values, int32_t out_int32, int32_t right) { return make("searchsorted", [&] { return at::searchsorted(*sorted, *values, out_int32 != 0, right != 0); }, sorted, values); }
GT_API T gt_bucketize(T a, T boundaries, int32_t out_int32, int32_t right) { return make("bucketize", [&] { return at::bucketize(*a, *boundaries, out_int32 != 0, right != 0); }, a, boundaries); }
GT_API T gt_isin(T a, T elements, int32_t unique, int32_t invert) { return make("isin", [&] { return at::isin(*a, *elements, unique != 0, invert != 0); }, a, elements); }

// One place of an index. kind: 0 integer (start), 1 slice, 2 ellipsis, 3 new axis, 4 tensor, 5 boolean (start).
// Absent ends of a slice are the smallest 64-bit integer.
struct IndexPart {
    int64_t kind;
    int64_t start;
    int64_t stop;
    int64_t step;
    T tensor;
};

static std::vector<at::indexing::TensorIndex> parts_of(const IndexPart* parts, int64_t count)
{
    using namespace at::indexing;
    constexpr int64_t absent = INT64_MIN;
    std::vector<TensorIndex> all;
    all.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) {
        const IndexPart& part = parts[i];
        switch (part.kind) {
            case 0: all.emplace_back(part.start); break;
            case 1: {
                auto end = [](int64_t value) { return value == absent ? compat::optional<int64_t>() : compat::optional<int64_t>(value); };
                all.emplace_back(compat::slice(end(part.start), end(part.stop), end(part.step)));
                break;
            }
            case 2: all.emplace_back(at::indexing::Ellipsis); break;
            case 3: all.emplace_back(at::indexing::None); break;
            case 4: all.emplace_back(*part.tensor); break;
            default: all.emplace_back(part.start != 0); break;
        }
    }
    return all;
}

GT_API T gt_index(T a, const IndexPart* parts, int64_t count) { return make("index", [&] { return a->index(parts_of(parts, count)); }, a); }

GT_API int32_t gt_index_put_(T a, const IndexPart* parts, int64_t count, T value, int32_t accumulate)
{
    return run(
        "index_put_",
        [&] {
            if (accumulate == 0) {
                a->index_put_(parts_of(parts, count), *value);
                return;
            }
            at::List<compat::optional<at::Tensor>> indices;
            for (int64_t i = 0; i < count; i++) {
                TORCH_CHECK(parts[i].kind == 4, "accumulation needs tensors as indices");
                indices.push_back(*parts[i].tensor);
            }
            a->index_put_(indices, *value, true);
        },
        a, value);
}

GT_API int32_t gt_index_put_scalar_(T a, const IndexPart* parts, int64_t count, Scalar value)
{
    return run("index_put_", [&] { a->index_put_(parts_of(parts, count), number(value)); }, a, value);
}
