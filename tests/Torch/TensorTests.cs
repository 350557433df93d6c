using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch.Tests;

/// <summary>Types, layouts, errors and lifetimes.</summary>
[NonParallelizable]
public sealed class TensorTests
{
    [TestCase(ScalarType.Float32)]
    [TestCase(ScalarType.BFloat16)]
    [TestCase(ScalarType.Float16)]
    [TestCase(ScalarType.Float64)]
    [TestCase(ScalarType.Int64)]
    [TestCase(ScalarType.Int32)]
    [TestCase(ScalarType.Byte)]
    [TestCase(ScalarType.Bool)]
    public void To_EveryTypeAndBack_KeepsWhatItHolds(ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 0, 1, 1 }).to(type);
        Assert.Multiple(() =>
        {
            Assert.That(x.dtype, Is.EqualTo(type));
            Assert.That(x.ElementSize, Is.EqualTo(type.ElementSize()));
            Assert.That(x.bytes.Length, Is.EqualTo(3 * type.ElementSize()));
            Assert.That(x.to(float32).data<float>().ToArray(), Is.EqualTo(new float[] { 0, 1, 1 }));
        });
    }

    [Test]
    public void Data_OfStridedView_IsInTheOrderOfItsShape()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(6, float32).reshape(2, 3).t();
        Assert.Multiple(() =>
        {
            Assert.That(x.is_contiguous(), Is.False);
            Assert.That(x.data<float>().ToArray(), Is.EqualTo(new float[] { 0, 3, 1, 4, 2, 5 }));
            Assert.That(x.data<float>()[2, 1], Is.EqualTo(5));
            Assert.Throws<InvalidOperationException>(() => _ = x.bytes);
            Assert.Throws<ArgumentException>(() => x.data<long>());
        });
    }

    [Test]
    public void ChannelsLast_ThroughLayers_StaysSo()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor plain = randn(2, 4, 6, 5);
        Tensor last = TorchExtras.channels_last(plain);
        Tensor made = F.silu(F.conv2d(last, TorchExtras.channels_last(randn(8, 4, 3, 3)), padding: [1, 1]));
        Assert.Multiple(() =>
        {
            Assert.That(last.stride(), Is.EqualTo(new long[] { 120, 1, 20, 4 }));
            Assert.That(TorchExtras.IsChannelsLast(made), Is.True);
            Assert.That(last.data<float>().ToArray(), Is.EqualTo(plain.data<float>().ToArray()));
        });
    }

    [Test]
    public void Error_NamesOperationShapesTypesAndReason()
    {
        using DisposeScope scope = NewDisposeScope();
        ExternalException? error = Assert.Throws<TorchException>(() => TorchExtras.product(zeros(2, 3), zeros([2, 3], bfloat16)));
        Assert.That(error!.Message, Does.StartWith("product(float32[2, 3], bfloat16[2, 3]): "));
        using var layer = new PackedConv2d(zeros(8, 5, 3, 3), null, [1, 1], [0, 0]);
        error = Assert.Throws<TorchException>(() => layer.Forward(zeros(1, 4, 8, 8)));
        Assert.That(error!.Message, Does.Contain("conv2d(float32[1, 4, 8, 8], float32[8, 5, 3, 3], none").And.Contain("4 channels"));
        Assert.That(error.Message, Does.Not.Contain("Exception raised from"));
    }

    [Test]
    public void Error_OnOneThread_IsNotSeenByAnother()
    {
        string[] messages = new string[8];
        Parallel.For(0, 8, i =>
        {
            using DisposeScope scope = NewDisposeScope();
            messages[i] = Assert.Throws<TorchException>(() => TorchExtras.product(zeros(i + 1, 7), zeros(6, 2)))!.Message;
        });
        Assert.That(messages, Is.All.StartWith("product(float32[").And.All.Contain("float32[6, 2]"));
        Assert.That(messages.Distinct().Count(), Is.EqualTo(8));
    }

    [Test]
    public void Scope_Ends_ReleasesAllButWhatWasMoved()
    {
        long before = TorchExtras.LiveTensors;
        Tensor kept;
        using (NewDisposeScope())
        {
            using (DisposeScope inner = NewDisposeScope())
            {
                Tensor x = ones(3);
                Tensor y = x + 1;
                Assert.That(inner.DisposablesCount, Is.EqualTo(2));
                kept = (y * 2).MoveToOuterDisposeScope();
            }

            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before + 1));
            kept.DetachFromDisposeScope();
        }

        Assert.That(kept.data<float>().ToArray(), Is.EqualTo(new float[] { 4, 4, 4 }));
        kept.Dispose();
        kept.Dispose();
        Assert.Multiple(() =>
        {
            Assert.That(kept.IsInvalid, Is.True);
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
            Assert.Throws<InvalidOperationException>(() => kept.sum());
        });
    }

    [Test]
    public void Scope_AfterAnError_HoldsNothing()
    {
        long before = TorchExtras.LiveTensors;
        Assert.Throws<TorchException>(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            TorchExtras.product(zeros(2, 3), zeros(2, 3));
        });
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Scope_OfAnotherThread_IsItsOwn()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? other = null;
        var thread = new Thread(() => other = ones(2));
        thread.Start();
        thread.Join();
        Assert.That(scope.Contains(other!), Is.False);
        other!.Dispose();
    }

    [Test]
    public void Finalizer_OfForgottenTensors_ReleasesThem()
    {
        long before = TorchExtras.LiveTensors;
        Forget();
        for (int i = 0; i < 10 && TorchExtras.LiveTensors > before; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void FromMemory_OwnerIsHeldUntilTheLastViewIsGone()
    {
        var memory = GCHandle.Alloc(new float[] { 1, 2, 3, 4 }, GCHandleType.Pinned);
        (WeakReference owner, Tensor view) = Over(memory.AddrOfPinnedObject());
        GC.Collect();
        Assert.Multiple(() =>
        {
            Assert.That(owner.IsAlive, Is.True);
            Assert.That(view.data<float>().ToArray(), Is.EqualTo(new float[] { 3, 4 }));
        });
        view.Dispose();
        for (int i = 0; i < 10 && owner.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.That(owner.IsAlive, Is.False);
        memory.Free();
    }

    [Test]
    public void Threads_SetAndNested_AreAsSet()
    {
        int before = get_num_threads();
        set_num_threads(1);
        Assert.That(get_num_threads(), Is.EqualTo(1));
        set_num_threads(before);
        Assert.That(
            before,
            Is.InRange(Environment.ProcessorCount > 1 ? Environment.ProcessorCount / 2 : 1, Environment.ProcessorCount),
            "the physical cores allotted"
        );
    }

    [Test]
    public void Modes_EndWithTheirScope()
    {
        Assert.That(is_inference_mode_enabled(), Is.False);
        using (inference_mode())
        {
            Assert.That(is_inference_mode_enabled(), Is.True);
            using (no_grad())
            {
                Assert.That(is_grad_enabled(), Is.False);
            }
        }

        Assert.Multiple(() =>
        {
            Assert.That(is_inference_mode_enabled(), Is.False);
            Assert.That(is_grad_enabled(), Is.True);
        });
    }

    [Test]
    public void Device_Names_AreParsed()
    {
        Assert.Multiple(() =>
        {
            Assert.That(new Device("cpu").type, Is.EqualTo(DeviceType.CPU));
            Assert.That(new Device("cuda:1").index, Is.EqualTo(1));
            Assert.That(new Device("cuda:1").ToString(), Is.EqualTo("cuda:1"));
            Assert.Throws<ArgumentException>(() => _ = new Device("gpu"));
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget()
    {
        for (int i = 0; i < 100; i++)
        {
            _ = ones(10) + 1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference Owner, Tensor View) Over(nint memory)
    {
        object owner = new object();
        using Tensor whole = TorchExtras.from_memory(memory, [4], float32, owner);
        return (new WeakReference(owner), whole.narrow(0, 2, 2));
    }
}
