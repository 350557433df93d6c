using System.Text;
using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => cat((ReadOnlySpan<Tensor>)[.. tensors], dim);

    public static Tensor cat(Tensor[] tensors, long dim = 0) => cat(tensors.AsSpan(), dim);

    public static unsafe Tensor cat(ReadOnlySpan<Tensor> tensors, long dim = 0)
    {
        Span<nint> handles = stackalloc nint[tensors.Length];
        fixed (nint* data = Fill(handles, tensors))
        {
            Tensor made = Tensor.Wrap(Native.gt_cat(new Handles(data, handles.Length), dim));
            Keep(tensors);
            return made;
        }
    }

    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);

    public static Tensor concat(Tensor[] tensors, long dim = 0) => cat(tensors, dim);

    public static Tensor concatenate(Tensor[] tensors, long axis = 0) => cat(tensors, axis);

    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => stack((ReadOnlySpan<Tensor>)[.. tensors], dim);

    public static Tensor stack(IList<Tensor> tensors, long dim = 0) => stack((ReadOnlySpan<Tensor>)[.. tensors], dim);

    public static Tensor stack(Tensor[] tensors, long dim = 0) => stack(tensors.AsSpan(), dim);

    public static unsafe Tensor stack(ReadOnlySpan<Tensor> tensors, long dim = 0)
    {
        Span<nint> handles = stackalloc nint[tensors.Length];
        fixed (nint* data = Fill(handles, tensors))
        {
            Tensor made = Tensor.Wrap(Native.gt_stack(new Handles(data, handles.Length), dim));
            Keep(tensors);
            return made;
        }
    }

    public static Tensor hstack(params Tensor[] tensors) => cat(tensors, tensors.Length > 0 && tensors[0].ndim > 1 ? 1 : 0);

    public static Tensor vstack(params Tensor[] tensors)
    {
        var rows = new List<Tensor>();
        foreach (Tensor tensor in tensors)
        {
            rows.Add(tensor.ndim > 1 ? tensor : tensor.reshape(1, -1));
        }

        return cat(rows, 0);
    }

    public static unsafe Tensor[] meshgrid(IList<Tensor> tensors, string indexing = "ij")
    {
        if (indexing is not ("ij" or "xy"))
        {
            throw new ArgumentException($"indexing is 'ij' or 'xy', not '{indexing}'", nameof(indexing));
        }

        Tensor[] all = [.. tensors];
        Span<nint> handles = stackalloc nint[all.Length];
        fixed (nint* data = Fill(handles, all))
        {
            long count;
            return Tensor.WrapMany(Native.gt_meshgrid(new Handles(data, handles.Length), indexing == "xy" ? 1 : 0, &count), count, all);
        }
    }

    public static unsafe IList<Tensor> broadcast_tensors(params Tensor[] tensors)
    {
        Span<nint> handles = stackalloc nint[tensors.Length];
        fixed (nint* data = Fill(handles, tensors))
        {
            long count;
            return Tensor.WrapMany(Native.gt_broadcast_tensors(new Handles(data, handles.Length), &count), count, tensors);
        }
    }

    /// <summary>Einstein's summation: <c>einsum("bhid,bhjd->bhij", q, k)</c>.</summary>
    public static unsafe Tensor einsum(string equation, params Tensor[] tensors)
    {
        Span<nint> handles = stackalloc nint[tensors.Length];
        fixed (nint* data = Fill(handles, tensors))
        fixed (byte* text = Encoding.UTF8.GetBytes(equation + "\0"))
        {
            Tensor made = Tensor.Wrap(Native.gt_einsum(text, new Handles(data, handles.Length)));
            GC.KeepAlive(tensors);
            return made;
        }
    }

    private static Span<nint> Fill(Span<nint> handles, ReadOnlySpan<Tensor> tensors)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            handles[i] = tensors[i].Handle;
        }

        return handles;
    }

    private static void Keep(ReadOnlySpan<Tensor> tensors)
    {
        foreach (Tensor tensor in tensors)
        {
            GC.KeepAlive(tensor);
        }
    }
}
