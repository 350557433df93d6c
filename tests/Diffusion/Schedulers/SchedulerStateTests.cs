using Generation.Diffusion.Schedulers;
using Generation.Diffusion.Tests.Goldens;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Schedulers;

/// <summary>A run can be cut after any step and go on elsewhere to the same bits.</summary>
public sealed class SchedulerStateTests
{
    private const int Steps = 8;

    private static IEnumerable<string> Names => SchedulerNames.All.Select(n => n.Name);

    [TestCaseSource(nameof(Names))]
    public void RestoreState_AfterEachStep_GoesOnToTheSameBits(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        long live = TensorCount.Settled();
        using (NewDisposeScope())
        {
            var run = new Run(name);
            List<Tensor> whole = run.Whole();
            for (int cut = 1; cut < whole.Count; cut++)
            {
                using Scheduler first = run.Scheduler();
                for (int i = 0; i < cut; i++)
                {
                    run.Step(first, i, i == 0 ? run.Start : whole[i - 1]);
                }

                using SchedulerState state = first.SaveState();
                using Scheduler second = run.Scheduler();
                second.RestoreState(state);
                for (int i = cut; i < whole.Count; i++)
                {
                    Tensor latent = run.Step(second, i, whole[i - 1]);
                    Assert.That(latent.bytes.SequenceEqual(whole[i].bytes), $"step {i} after a cut before {cut}");
                }
            }
        }

        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
    }

    [TestCaseSource(nameof(Names))]
    public void Step_OfEachScheduler_LeavesOnlyItsResult(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        var run = new Run(name);
        using Scheduler scheduler = run.Scheduler();
        Tensor sample = run.Start;
        for (int i = 0; i < scheduler.Timesteps.Count; i++)
        {
            int kept = KeptBy(scheduler);
            long live = TensorCount.Settled();
            using Tensor input = scheduler.ScaleModelInput(sample, i);
            using Tensor next = run.Step(scheduler, i, sample);
            Assert.That(
                TorchExtras.LiveTensors - live,
                Is.EqualTo(2 + KeptBy(scheduler) - kept),
                $"step {i}: the input, the result and what is kept"
            );
            sample = next.clone();
        }
    }

    [Test]
    public void RestoreState_OfAnotherRun_IsRefused()
    {
        using var euler = Scheduler.Create(SchedulerConfig.Of("EulerDiscreteScheduler"), 8);
        using var ddim = Scheduler.Create(SchedulerConfig.Of("DDIMScheduler"), 8);
        using var shorter = Scheduler.Create(SchedulerConfig.Of("EulerDiscreteScheduler"), 7);
        using SchedulerState state = euler.SaveState();
        Assert.Multiple(() =>
        {
            Assert.That(
                () => ddim.RestoreState(state),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("EulerDiscreteScheduler").And.Message.Contains("DDIMScheduler")
            );
            Assert.That(
                () => shorter.RestoreState(state),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("8").And.Message.Contains("7")
            );
        });
    }

    private static int KeptBy(Scheduler scheduler)
    {
        using SchedulerState state = scheduler.SaveState();
        return state.Tensors.Count;
    }

    /// <summary>A scheduler by name on a stand-in network, with noise that depends on the step alone.</summary>
    private sealed class Run
    {
        private readonly SchedulerConfig _config;

        public Run(string name)
        {
            bool flow = name.StartsWith("flow", StringComparison.Ordinal);
            SchedulerConfig model = flow
                ? SchedulerConfig.Of("FlowMatchEulerDiscreteScheduler").With("shift", 3.0)
                : SchedulerConfig
                    .Of("DDIMScheduler")
                    .With("beta_schedule", "scaled_linear")
                    .With("beta_start", 0.00085)
                    .With("beta_end", 0.012)
                    .With("clip_sample", false);
            _config = SchedulerNames.Resolve(name, model);
            Start = Noise(1000) * 3;
        }

        public Tensor Start { get; }

        public Scheduler Scheduler() =>
            Generation.Diffusion.Schedulers.Scheduler.Create(_config, Steps, new SchedulerOptions { Eta = 0.4, SChurn = 0.5 });

        public List<Tensor> Whole()
        {
            using Scheduler scheduler = Scheduler();
            var latents = new List<Tensor>();
            for (int i = 0; i < scheduler.Timesteps.Count; i++)
            {
                latents.Add(Step(scheduler, i, i == 0 ? Start : latents[^1]));
                Assert.That(latents[^1].isfinite().all().item<bool>(), $"step {i} is finite");
            }

            return latents;
        }

        public Tensor Step(Scheduler scheduler, int i, Tensor sample)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor output = (scheduler.ScaleModelInput(sample, i) * 0.7).sin() + Noise(i) * 0.1;
            return scheduler.Step(output, i, sample, () => Noise(500 + i)).MoveToOuterDisposeScope();
        }

        private static Tensor Noise(int seed)
        {
            using var generator = new Generator((ulong)seed, device: CPU);
            return randn([2, 3, 4, 5], dtype: ScalarType.Float32, generator: generator);
        }
    }
}
