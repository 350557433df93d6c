using System.Runtime.CompilerServices;
using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A tensor of libtorch. It belongs to the innermost <see cref="DisposeScope"/> of the thread that made it and is released
    /// with it; outside of scopes, by <see cref="Dispose()"/>. The finalizer is the safety net: every call keeps its arguments
    /// reachable until it returned, so a finalizer never releases a tensor that libtorch is working on.
    /// </summary>
    public sealed partial class Tensor : IDisposable
    {
        private nint _handle;

        internal Tensor(nint handle)
        {
            _handle = handle;
            DisposeScope.Current?.Add(this);
        }

        ~Tensor()
        {
            if (_handle != 0)
            {
                Native.gt_free(_handle);
            }
        }

        /// <summary>The native tensor. Keep this object reachable while using it.</summary>
        public nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(Tensor), "The tensor was disposed, or its dispose scope ended.");

        /// <summary>Whether the tensor was disposed.</summary>
        public bool IsInvalid => _handle == 0;

        internal DisposeScope? OwningScope { get; set; }

        internal int PlaceInScope { get; set; }

        public void Dispose()
        {
            OwningScope?.Release(this);
            Free();
        }

        /// <summary>Gives the tensor to the scope around the one that owns it, or to nobody if there is none.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            OwningScope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Gives the tensor to <paramref name="other"/>, or to nobody if that is null.</summary>
        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            OwningScope?.Release(this);
            other?.Add(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningScope);

        /// <summary>Takes the tensor out of its scope: from now on it lives until it is disposed.</summary>
        public Tensor DetachFromDisposeScope()
        {
            OwningScope?.Release(this);
            return this;
        }

        internal void DisposeFromScope()
        {
            OwningScope = null;
            Free();
        }

        private void Free()
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0)
            {
                Native.gt_free(handle);
                GC.SuppressFinalize(this);
            }
        }

        /// <summary>The new tensor of a native call, or its error; the arguments stay reachable until here.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static Tensor Wrap(nint handle, Tensor? a = null, Tensor? b = null, Tensor? c = null, Tensor? d = null)
        {
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            GC.KeepAlive(c);
            GC.KeepAlive(d);
            if (handle == 0)
            {
                Native.Throw();
            }

            return new Tensor(handle);
        }

        /// <summary>The changed tensor of a native call in place, or its error.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static Tensor Done(int success, Tensor self, Tensor? b = null, Tensor? c = null)
        {
            GC.KeepAlive(self);
            GC.KeepAlive(b);
            GC.KeepAlive(c);
            if (success == 0)
            {
                Native.Throw();
            }

            return self;
        }

        /// <summary>The new tensors of a native call, or its error.</summary>
        internal static unsafe Tensor[] WrapMany(nint* handles, long count, object? keep)
        {
            GC.KeepAlive(keep);
            if (handles is null)
            {
                Native.Throw();
            }

            var made = new Tensor[count];
            for (long i = 0; i < count; i++)
            {
                made[i] = new Tensor(handles[i]);
            }

            Native.gt_free_array(handles);
            return made;
        }

        internal static nint HandleOf(Tensor? tensor) => tensor is null ? 0 : tensor.Handle;
    }
}
