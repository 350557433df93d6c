using Generation.Diffusion.Schedulers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Schedulers;

/// <summary>Where a run begins and ends, and what is refused.</summary>
public sealed class SchedulerRunTests
{
    // Numbers of diffusers' get_timesteps: the index of the first timestep that is run.
    [TestCase("ddim", 6, 0.3, 5, 6)]
    [TestCase("ddim", 6, 0.75, 2, 6)]
    [TestCase("ddim", 6, 1.0, 0, 6)]
    [TestCase("ddim", 50, 0.8, 10, 50)]
    [TestCase("euler", 10, 0.55, 5, 10)]
    [TestCase("heun", 6, 0.5, 6, 11)]
    [TestCase("dpm2", 10, 0.35, 14, 19)]
    [TestCase("pndm", 6, 0.5, 3, 7)]
    [TestCase("flow_euler", 6, 0.7, 1, 6)]
    [TestCase("flow_euler", 6, 0.8, 1, 6)]
    [TestCase("flow_heun", 6, 0.7, 2, 11)]
    public void BeginIndex_ByStrength_IsThePipelines(string name, int steps, double strength, int begin, int end)
    {
        using Scheduler scheduler = Make(name, steps, new SchedulerOptions { Strength = strength });
        Assert.Multiple(() =>
        {
            Assert.That(scheduler.BeginIndex, Is.EqualTo(begin));
            Assert.That(scheduler.EndIndex, Is.EqualTo(end));
        });
    }

    // The base model ends where the refiner begins: at the timestep that the share stands for.
    [TestCase("euler", 10, 0.8)]
    [TestCase("dpmpp_2m_karras", 25, 0.6)]
    [TestCase("ddim", 40, 0.5)]
    public void DenoisingEnd_AndStart_ShareTheTimestepsOut(string name, int steps, double share)
    {
        using Scheduler whole = Make(name, steps);
        using Scheduler first = Make(name, steps, new SchedulerOptions { DenoisingEnd = share });
        using Scheduler second = Make(name, steps, new SchedulerOptions { DenoisingStart = share });
        double cutoff = Math.Round(1000 - share * 1000);
        Assert.Multiple(() =>
        {
            Assert.That(first.BeginIndex, Is.Zero);
            Assert.That(first.EndIndex, Is.EqualTo(whole.Timesteps.Count(t => t >= cutoff)));
            Assert.That(second.BeginIndex, Is.EqualTo(first.EndIndex));
            Assert.That(second.EndIndex, Is.EqualTo(steps));
        });
    }

    [Test]
    public void DenoisingStart_InASecondOrderMethod_IsNotBetweenItsHalves()
    {
        for (double share = 0.05; share < 1; share += 0.05)
        {
            using Scheduler scheduler = Make("heun", 12, new SchedulerOptions { DenoisingStart = share });
            Assert.That(scheduler.BeginIndex % 2, Is.Zero, $"at {share}");
        }
    }

    [TestCase("heun")]
    [TestCase("dpm2")]
    [TestCase("dpm2_a")]
    [TestCase("euler_a")]
    [TestCase("ddpm")]
    [TestCase("unipc")]
    [TestCase("dpmpp_3m")]
    [TestCase("dpmpp_2s")]
    [TestCase("deis")]
    [TestCase("sa_solver")]
    [TestCase("lcm")]
    [TestCase("flow_heun")]
    public void Run_FromTheMiddle_EndsNearTheCleanSample(string name)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        using Scheduler scheduler = Make(name, 12, new SchedulerOptions { Strength = 0.5 });
        using var generator = new Generator(7ul, device: CPU);
        Tensor clean = randn([1, 2, 4, 4], generator: generator);
        Tensor noise = randn([1, 2, 4, 4], generator: generator);
        Tensor sample = scheduler.AddNoise(clean, noise, scheduler.BeginIndex);
        for (int i = scheduler.BeginIndex; i < scheduler.EndIndex; i++)
        {
            // A perfect network: it knows the clean sample, and so the noise that is left (for flows, the way from one to the other).
            Tensor left;
            if (scheduler.InitNoiseSigma > 1)
            {
                float scale = (sample / scheduler.ScaleModelInput(sample, i)).mean().item<float>();
                left = (sample - clean) / MathF.Sqrt(scale * scale - 1);
            }
            else
            {
                left =
                    (sample - scheduler.AddNoise(clean, zeros_like(clean), i)) / scheduler.AddNoise(zeros_like(clean), ones_like(clean), i);
            }

            Tensor output = name.StartsWith("flow", StringComparison.Ordinal) ? left - clean : left;
            sample = scheduler.Step(output, i, sample, () => randn([1, 2, 4, 4], generator: generator));
        }

        Assert.That((sample - clean).abs().max().item<float>(), Is.LessThan(0.1f));
    }

    [Test]
    public void Step_OutOfOrder_IsRefused()
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        using Scheduler scheduler = Make("euler", 5);
        Tensor sample = zeros([1, 1, 2, 2]);
        Tensor Step(int i) => scheduler.Step(sample, i, sample, () => zeros_like(sample));
        Step(1);
        Assert.Multiple(() =>
        {
            Assert.That(() => Step(1), Throws.TypeOf<SchedulerException>().With.Message.Contains("next one is 2"));
            Assert.That(() => Step(3), Throws.TypeOf<SchedulerException>());
            Assert.That(() => Step(5), Throws.TypeOf<SchedulerException>().With.Message.Contains("no step 5"));
        });
    }

    [Test]
    public void Step_InHalfPrecision_ComputesInFullAndKeepsTheType()
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(7ul, device: CPU);
        (Tensor? sample, Tensor? output) = (
            randn([1, 2, 4, 4], generator: generator).to(ScalarType.BFloat16),
            randn([1, 2, 4, 4], generator: generator).to(ScalarType.BFloat16)
        );
        Tensor Step(Tensor m, Tensor s)
        {
            using Scheduler scheduler = Make("dpmpp_2m", 5);
            return scheduler.Step(m, 0, s, () => zeros_like(s));
        }

        Tensor half = Step(output, sample);
        Tensor full = Step(output.to(ScalarType.Float32), sample.to(ScalarType.Float32));
        Assert.Multiple(() =>
        {
            Assert.That(half.dtype, Is.EqualTo(ScalarType.BFloat16));
            Assert.That(half.equal(full.to(ScalarType.BFloat16)).all().item<bool>());
        });
    }

    [TestCase(0)]
    [TestCase(-3)]
    [TestCase(1001)]
    public void Create_StepsOutOfRange_NamesTheLimit(int steps)
    {
        foreach (string? name in SchedulerNames.All.Select(n => n.Name))
        {
            Assert.That(
                () => Make(name, steps),
                Throws
                    .TypeOf<SchedulerException>()
                    .With.Message.Contains($"num_inference_steps is {steps}")
                    .And.Message.Contains("1000")
                    .Or.Message.Contains("50")
                    .Or.Message.Contains("at least"),
                name
            );
        }
    }

    [Test]
    public void Create_EveryNameAndManyStepCounts_HasFiniteFallingTimesteps()
    {
        foreach (string? name in SchedulerNames.All.Select(n => n.Name))
        {
            foreach (string? spacing in new[] { "linspace", "leading", "trailing" })
            {
                foreach (int steps in new[] { 1, 2, 3, 5, 13, 31, 50 })
                {
                    if (name.StartsWith("flow", StringComparison.Ordinal) && spacing != "linspace")
                    {
                        continue;
                    }

                    using Scheduler scheduler = Make(name, steps, null, spacing);
                    IReadOnlyList<double> times = scheduler.Timesteps;
                    Assert.That(times, Is.All.Matches<double>(double.IsFinite), $"{name} {spacing} {steps}");
                    // Rounded Karras timesteps stand between middle ones that are not.
                    Assert.That(times.Zip(times.Skip(1)).All(p => p.First + 0.5 >= p.Second), $"{name} {spacing} {steps} falls");
                    Assert.That(times[^1], Is.GreaterThanOrEqualTo(0), $"{name} {spacing} {steps}");
                }
            }
        }
    }

    // numpy.arange yields a 62nd timestep of -1 for 61 trailing steps; a schedule has its steps and no more.
    [TestCase(61)]
    [TestCase(103)]
    [TestCase(999)]
    public void Create_TrailingWhereArangeRoundsUp_HasExactlyItsSteps(int steps)
    {
        using Scheduler scheduler = Make("ddim", steps, null, "trailing");
        Assert.Multiple(() =>
        {
            Assert.That(scheduler.Timesteps, Has.Count.EqualTo(steps));
            Assert.That(scheduler.Timesteps[0], Is.EqualTo(999));
            Assert.That(scheduler.Timesteps[^1], Is.GreaterThanOrEqualTo(0));
        });
    }

    [TestCase("ddim", "strength", 1.2)]
    [TestCase("ddim", "denoising_end", -0.1)]
    [TestCase("euler", "denoising_start", 2.0)]
    public void Create_ShareOutOfRange_IsNamed(string name, string field, double value)
    {
        SchedulerOptions options = field switch
        {
            "strength" => new SchedulerOptions { Strength = value },
            "denoising_start" => new SchedulerOptions { DenoisingStart = value },
            _ => new SchedulerOptions { DenoisingEnd = value },
        };
        Assert.That(() => Make(name, 10, options), Throws.TypeOf<SchedulerException>().With.Message.Contains($"{field} is {value}"));
    }

    [Test]
    public void Create_SettingsThatDoNotGoTogether_AreNamed()
    {
        SchedulerConfig model = Model("linspace");
        Scheduler Make(string className, Dictionary<string, object?> settings, SchedulerOptions? options = null) =>
            Scheduler.Create(model.As(className).With(settings), 8, options);

        Assert.Multiple(() =>
        {
            Assert.That(
                () => Make("EulerDiscreteScheduler", new() { ["use_karras_sigmas"] = true, ["use_beta_sigmas"] = true }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("use_karras_sigmas, use_beta_sigmas")
            );
            Assert.That(
                () => Make("EulerDiscreteScheduler", new() { ["timestep_spacing"] = "wide" }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("'wide'")
            );
            Assert.That(
                () => Make("EulerDiscreteScheduler", new() { ["beta_schedule"] = "flat" }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("'flat'")
            );
            Assert.That(
                () => Make("EulerDiscreteScheduler", new() { ["final_sigmas_type"] = "one" }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("'one'")
            );
            Assert.That(
                () => Make("DPMSolverMultistepScheduler", new() { ["algorithm_type"] = "dpmsolver" }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("sigma_min")
            );
            Assert.That(
                () => Make("DPMSolverMultistepScheduler", new() { ["solver_order"] = 4 }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("solver_order is 4")
            );
            Assert.That(
                () => Make("DDPMScheduler", new() { ["variance_type"] = "none" }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("'none'")
            );
            Assert.That(
                () => Make("DDIMScheduler", [], new SchedulerOptions { Timesteps = [900, 500] }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("does not take timesteps")
            );
            Assert.That(
                () => Make("DDPMScheduler", [], new SchedulerOptions { Timesteps = [500, 900] }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("timesteps[1] is 900")
            );
            Assert.That(
                () => Make("DDPMScheduler", [], new SchedulerOptions { Sigmas = [1, 0] }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("does not take sigmas")
            );
            Assert.That(
                () => Make("LCMScheduler", [], new SchedulerOptions { OriginalInferenceSteps = 4 }),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("num_inference_steps is 8")
            );
            Assert.That(
                () => Scheduler.Create(SchedulerConfig.Of("FlowMatchEulerDiscreteScheduler").With("use_dynamic_shifting", true), 8),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("mu")
            );
        });
    }

    private static SchedulerConfig Model(string spacing) =>
        SchedulerConfig
            .Of("DDIMScheduler")
            .With("beta_schedule", "scaled_linear")
            .With("beta_start", 0.00085)
            .With("beta_end", 0.012)
            .With("clip_sample", false)
            .With("timestep_spacing", spacing);

    private static Scheduler Make(string name, int steps, SchedulerOptions? options = null, string spacing = "leading") =>
        Scheduler.Create(
            SchedulerNames.Resolve(
                name,
                name.StartsWith("flow", StringComparison.Ordinal) ? SchedulerConfig.Of("FlowMatchEulerDiscreteScheduler") : Model(spacing)
            ),
            steps,
            options
        );
}
