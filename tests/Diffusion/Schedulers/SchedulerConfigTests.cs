using Generation.Diffusion.Schedulers;
using Generation.Diffusion.Tests.Goldens;

namespace Generation.Diffusion.Tests.Schedulers;

/// <summary>Configs as files have them, and schedulers by the names that clients use.</summary>
public sealed class SchedulerConfigTests
{
    [Test]
    public void Load_TheDemoModels_HasItsValues()
    {
        var config = SchedulerConfig.Load(GoldenCase.InRepository("models/demo/scheduler"));
        Assert.Multiple(() =>
        {
            Assert.That(config.ClassName, Is.EqualTo("DDIMScheduler"));
            Assert.That(config.PredictionType, Is.EqualTo("v_prediction"));
            Assert.That(config.TimestepSpacing, Is.EqualTo("trailing"));
            Assert.That(config.RescaleBetasZeroSnr);
            Assert.That(config.BetaStart, Is.EqualTo(0.00085));
            Assert.That(config.TrainedBetas, Is.Null);
        });
    }

    [Test]
    public void Parse_PythonsBareWords_AreNumbers()
    {
        var config = SchedulerConfig.Parse(
            """{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "variance_type": null}"""
        );
        Assert.Multiple(() =>
        {
            Assert.That(config.LambdaMinClipped, Is.EqualTo(double.NegativeInfinity));
            Assert.That(config.VarianceType, Is.Null);
        });
    }

    [Test]
    public void Defaults_DifferByClass()
    {
        var empty = SchedulerConfig.Of("DDIMScheduler");
        Assert.Multiple(() =>
        {
            Assert.That(empty.ClipSample);
            Assert.That(empty.As("LCMScheduler").ClipSample, Is.False);
            Assert.That(empty.TimestepSpacing, Is.EqualTo("leading"));
            Assert.That(empty.As("EulerDiscreteScheduler").TimestepSpacing, Is.EqualTo("linspace"));
            Assert.That(empty.As("HeunDiscreteScheduler").BetaStart, Is.EqualTo(0.00085));
            Assert.That(empty.With("beta_start", 0.5).As("HeunDiscreteScheduler").BetaStart, Is.EqualTo(0.5), "a given value stays");
        });
    }

    [TestCase("""{"num_train_timesteps": 1000}""", "_class_name")]
    [TestCase("""{"_class_name": "KarrasVeScheduler"}""", "KarrasVeScheduler")]
    [TestCase("""{"_class_name": "DDIMScheduler", "beta_start": "low"}""", "beta_start")]
    [TestCase("""{"_class_name": "DDIMScheduler", "clip_sample": 1}""", "clip_sample")]
    [TestCase("""{"_class_name": "DDIMScheduler", "trained_betas": [0.1, 0.2]}""", "trained_betas has 2 values")]
    [TestCase("[1]", "JSON object")]
    public void Parse_ABadConfig_NamesTheField(string json, string named) =>
        Assert.That(() => SchedulerConfig.Parse(json), Throws.TypeOf<SchedulerException>().With.Message.Contains(named));

    [Test]
    public void With_AnUnknownSetting_IsRefused() =>
        Assert.That(
            () => SchedulerConfig.Of("DDIMScheduler").With("use_karas_sigmas", true),
            Throws.TypeOf<SchedulerException>().With.Message.Contains("use_karas_sigmas")
        );

    [Test]
    public void Load_AMissingOrBrokenFile_NamesIt()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        File.WriteAllText(path, "{");
        try
        {
            Assert.That(() => SchedulerConfig.Load(path), Throws.TypeOf<SchedulerException>().With.Message.Contains(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    // Dezgo's, ModelsLab's, Stablecog's and A1111's names.
    [TestCase("ddim", "ddim")]
    [TestCase("dpm", "dpmpp_2m")]
    [TestCase("dpm_single", "dpmpp_2s")]
    [TestCase("dpmpp_2m_karras", "dpmpp_2m_karras")]
    [TestCase("euler_a", "euler_a")]
    [TestCase("k_lms", "lms")]
    [TestCase("UniPCMultistepScheduler", "unipc")]
    [TestCase("EulerAncestralDiscreteScheduler", "euler_a")]
    [TestCase("DPMSolverMultistepScheduler", "dpmpp_2m")]
    [TestCase("DPMSolverSinglestep", "dpmpp_2s")]
    [TestCase("KDPM2AncestralDiscreteScheduler", "dpm2_a")]
    [TestCase("LCMScheduler", "lcm")]
    [TestCase("K_EULER", "euler")]
    [TestCase("K_EULER_ANCESTRAL", "euler_a")]
    [TestCase("DPM++_2M", "dpmpp_2m")]
    [TestCase("P_SAMPLER", "pndm")]
    [TestCase("UNI_PC", "unipc")]
    [TestCase("DDPM", "ddpm")]
    [TestCase("DPM++ 2M Karras", "dpmpp_2m_karras")]
    [TestCase("DPM++ 2M SDE Karras", "dpmpp_2m_sde_karras")]
    [TestCase("DPM++ 3M SDE", "dpmpp_3m_sde")]
    [TestCase("DPM2 a Karras", "dpm2_a_karras")]
    [TestCase("Euler a", "euler_a")]
    [TestCase("PLMS", "pndm")]
    [TestCase("DPM++ 2M SDE Exponential", "dpmpp_2m_sde_exponential")]
    [TestCase("DPM++ 2M SDE Heun", "dpmpp_2m_sde_heun")]
    [TestCase("DPM++ 2M SDE Heun Karras", "dpmpp_2m_sde_heun_karras")]
    [TestCase("DPM++ 2M SDE Heun Exponential", "dpmpp_2m_sde_heun_exponential")]
    [TestCase("DPM++ 3M SDE Karras", "dpmpp_3m_sde_karras")]
    [TestCase("DPM++ 3M SDE Exponential", "dpmpp_3m_sde_exponential")]
    [TestCase("DPM++ 2S a Karras", "dpmpp_2s_karras")]
    [TestCase("DPM++ SDE Karras", "dpmpp_2s_karras")]
    [TestCase("DPM fast", "dpmpp_2s")]
    [TestCase("DPM adaptive", "dpmpp_2s")]
    [TestCase("DPM2 Karras", "dpm2_karras")]
    [TestCase("LMS Karras", "lms_karras")]
    [TestCase("Restart", "heun_karras")]
    [TestCase("UniPC", "unipc")]
    [TestCase("Heun", "heun")]
    [TestCase("IPNDMScheduler", "pndm")]
    [TestCase("KarrasVeScheduler", "euler_karras")]
    [TestCase("ScoreSdeVeScheduler", "euler_a")]
    [TestCase("DDIMInverseScheduler", "ddim")]
    public void Find_TheNamesOfServices_ReachTheCanonicalOne(string alias, string name) =>
        Assert.That(SchedulerNames.Find(alias)?.Name, Is.EqualTo(name));

    [Test]
    public void All_Names_AreUniqueLowercaseAndBuildable()
    {
        var model = SchedulerConfig.Load(GoldenCase.InRepository("models/demo/scheduler"));
        Assert.Multiple(() =>
        {
            Assert.That(SchedulerNames.All.Select(n => n.Name), Is.Unique);
            Assert.That(SchedulerNames.All.Select(n => n.Title), Is.Unique);
            Assert.That(SchedulerNames.All.Select(n => n.Description), Is.Unique);
            Assert.That(SchedulerNames.All.Select(n => n.Name), Is.All.Match("^[a-z0-9_]+$"));
            foreach (string name in SchedulerNames.Names(model))
            {
                using var scheduler = Scheduler.Create(SchedulerNames.Resolve(name, model), 20);
                Assert.That(scheduler.Config.PredictionType, Is.EqualTo("v_prediction"), name);
            }
        });
    }

    [Test]
    public void Resolve_KeepsTheModelsValuesAndSetsTheNames()
    {
        SchedulerConfig model = SchedulerConfig
            .Of("EulerDiscreteScheduler")
            .With("use_karras_sigmas", true)
            .With("prediction_type", "v_prediction")
            .With("timestep_spacing", "trailing");
        SchedulerConfig plain = SchedulerNames.Resolve("dpmpp_2m", model);
        SchedulerConfig karras = SchedulerNames.Resolve("DPM++ 2M SDE Karras", model);
        Assert.Multiple(() =>
        {
            Assert.That(plain.UseKarrasSigmas, Is.False);
            Assert.That(plain.PredictionType, Is.EqualTo("v_prediction"));
            Assert.That(plain.TimestepSpacing, Is.EqualTo("trailing"));
            Assert.That(karras.UseKarrasSigmas);
            Assert.That(karras.AlgorithmType, Is.EqualTo("sde-dpmsolver++"));
            Assert.That(SchedulerNames.Resolve("auto", model), Is.SameAs(model));
        });
    }

    [Test]
    public void Resolve_ForAFlowModel_HasItsFormsAndRefusesOthers()
    {
        SchedulerConfig model = SchedulerConfig.Of("FlowMatchEulerDiscreteScheduler").With("shift", 3.0);
        Assert.Multiple(() =>
        {
            Assert.That(SchedulerNames.Names(model), Is.EqualTo(new[] { "flow_euler", "flow_heun" }));
            Assert.That(SchedulerNames.Resolve("euler", model).ClassName, Is.EqualTo("FlowMatchEulerDiscreteScheduler"));
            Assert.That(SchedulerNames.Resolve("heun", model).Shift, Is.EqualTo(3));
            Assert.That(
                () => SchedulerNames.Resolve("ddim", model),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("flow_euler")
            );
            Assert.That(() => SchedulerNames.Resolve("magic", model), Throws.TypeOf<SchedulerException>().With.Message.Contains("'magic'"));
            Assert.That(
                () => SchedulerNames.Resolve("flow_euler", SchedulerConfig.Of("DDIMScheduler")),
                Throws.TypeOf<SchedulerException>().With.Message.Contains("does not fit")
            );
        });
    }
}
