using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A source of random numbers with a state of its own. On the CPU it is torch's Mersenne twister: the same seed draws
    /// the same numbers as Python's torch.Generator("cpu").manual_seed(seed), on any machine.
    /// </summary>
    public sealed class Generator : IDisposable
    {
        private nint _handle;

        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            _handle = Native.gt_generator(seed, (int)this.device.type, this.device.index);
            if (_handle == 0)
            {
                Native.Throw();
            }
        }

        private Generator(nint handle)
        {
            device = CPU;
            _handle = handle;
        }

        ~Generator() => Free();

        /// <summary>The generator that calls without one draw from.</summary>
        public static Generator Default => new(Native.gt_default_generator());

        public nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(Generator));

        public Device device { get; }

        /// <summary>Starts the sequence of <paramref name="seed"/>. Negative seeds are the unsigned numbers of the same bits, as in torch.</summary>
        public Generator manual_seed(long seed)
        {
            if (Native.gt_generator_manual_seed(Handle, unchecked((ulong)seed)) == 0)
            {
                Native.Throw();
            }

            GC.KeepAlive(this);
            return this;
        }

        /// <summary>Draws a new seed from the system, starts its sequence, and returns it.</summary>
        public long seed()
        {
            long seed = unchecked((long)Native.gt_generator_seed(Handle));
            GC.KeepAlive(this);
            return seed;
        }

        public long initial_seed()
        {
            long seed = unchecked((long)Native.gt_generator_initial_seed(Handle));
            GC.KeepAlive(this);
            return seed;
        }

        /// <summary>The state as bytes: set in another generator, that one draws on from here.</summary>
        public Tensor get_state()
        {
            Tensor state = Tensor.Wrap(Native.gt_generator_get_state(Handle));
            GC.KeepAlive(this);
            return state;
        }

        public void set_state(Tensor value)
        {
            Tensor.Done(Native.gt_generator_set_state(Handle, value.Handle), value);
            GC.KeepAlive(this);
        }

        public void Dispose()
        {
            Free();
            GC.SuppressFinalize(this);
        }

        internal static nint HandleOf(Generator? generator) => generator is null ? 0 : generator.Handle;

        private void Free()
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0)
            {
                Native.gt_generator_free(handle);
            }
        }
    }

    /// <summary>Seeds the generator that calls without one draw from.</summary>
    public static Generator manual_seed(long seed)
    {
        Native.gt_manual_seed(seed);
        return Generator.Default;
    }
}
