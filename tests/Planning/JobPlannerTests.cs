using System.Text.Json;
using Generation.Contracts;
using Generation.Schedules;

namespace Generation.Planning.Tests;

public sealed class JobPlannerTests
{
    private static IEnumerable<string> Latents => SchedulerNames.Names(SchedulerConfig.Of("DDIMScheduler")).Append(SchedulerNames.Auto);

    [TestCase("ddim", 20, 20)]
    [TestCase("auto", 20, 21, Description = "PNDM visits its second timestep twice")]
    [TestCase("heun", 20, 39, Description = "of the last step the second half is none")]
    [TestCase("dpm2_a_karras", 1, 1)]
    public void Plan_OfWords_CountsTheCallsOfTheNetwork(string scheduler, int steps, int calls)
    {
        JobPlan plan = Entries.Plan(Entries.Words(steps, scheduler) with { NumImages = 3 }, Entries.Latent);

        PlannedPass pass = plan.Passes.Single();
        Assert.That((pass.ScheduledSteps, pass.Calls, pass.Begin, pass.End, plan.Steps), Is.EqualTo((steps, calls, 0, calls, calls)));
        Assert.That(plan.MegapixelSteps, Is.EqualTo(0.004096m * calls));
        Assert.That(plan.Work, Is.EqualTo(3 * 0.004096 * calls).Within(1e-9));
        Assert.That((plan.IsCurrent, plan.Outputs, plan.Frames), Is.EqualTo((true, 3, 1)));
    }

    // Flows keep the fraction of a step until the last moment: 4 - 2.8 = 1.2 is the second step
    [TestCase(0.7, 3)]
    [TestCase(0.2, 1)]
    [TestCase(0.5, 2)]
    [TestCase(1, 4)]
    public void Plan_OfAPictureWithFluxInFourSteps_HasTheStepsOfFlowMatching(double strength, int runs)
    {
        foreach (ModelEntry model in new[] { Entries.Flux, Entries.FluxDev })
        {
            Assert.That(Entries.Plan(Entries.FromPicture(4, strength, "flow_euler"), model).Steps, Is.EqualTo(runs), model.Name);
        }
    }

    [TestCase(0.7, 2)]
    [TestCase(0.5, 2)]
    [TestCase(1, 4)]
    public void Plan_OfAPictureWithStableDiffusionInFourSteps_CutsToWholeSteps(double strength, int runs) =>
        Assert.That(Entries.Plan(Entries.FromPicture(4, strength), Entries.Latent).Steps, Is.EqualTo(runs));

    [Test]
    public void Plan_ThatLeavesNoStep_NamesTheField()
    {
        Assert.That(Refusal(Entries.FromPicture(4, 0.2), Entries.Latent), Is.EqualTo("strength"));
        Assert.That(
            Refusal(Entries.Words(4) with { HiresFix = new HiresFix(2, 0.2, 4) }, Entries.Latent),
            Is.EqualTo("hires_fix.strength")
        );
        Assert.That(
            Refusal(Entries.Words(4) with { Refiner = new RefinerUse("refiner", 1) }, Entries.Latent),
            Is.EqualTo("refiner.switch_at"),
            "none for the second"
        );
        Assert.That(
            Refusal(Entries.Words(4) with { Refiner = new RefinerUse("refiner", 0.001) }, Entries.Latent),
            Is.EqualTo("refiner.switch_at"),
            "none for the first"
        );
    }

    [Test]
    public void Plan_WithAScheduler_ThatDoesNotFit_NamesTheField()
    {
        Assert.That(Refusal(Entries.Words(4, "ddim"), Entries.Flux), Is.EqualTo("scheduler"), "not for flows");
        Assert.That(Refusal(Entries.Words(4, "flow_euler"), Entries.Latent), Is.EqualTo("scheduler"), "for flows alone");
        Assert.That(Refusal(Entries.Words(60, "lcm"), Entries.Latent), Is.EqualTo("scheduler"), "more steps than it was distilled on");
        Assert.That(Refusal(Entries.Words(4, "none such"), Entries.Latent), Is.EqualTo("scheduler"));
    }

    [TestCaseSource(nameof(Latents))]
    public void Plan_WithARefiner_SharesOneScheduleOut(string scheduler)
    {
        Text2ImgRequest alone = Entries.Words(20, scheduler);

        JobPlan plan = Entries.Plan(alone with { Refiner = new RefinerUse("refiner", 0.6) }, Entries.Latent, Entries.Refiner);

        int whole = Entries.Plan(alone, Entries.Latent).Steps;
        Assert.That(
            plan.Passes.Select(pass => (pass.Purpose, pass.Model, pass.Calls)),
            Is.EqualTo(new[] { (PassPurpose.Draw, "sd15", whole), (PassPurpose.Refine, "refiner", whole) })
        );
        Assert.That((plan.Passes[0].Begin, plan.Passes[1].End), Is.EqualTo((0, whole)));
        // A second order method is not entered between its halves, and PNDM's second timestep may be on both sides
        Assert.That(plan.Passes[1].Begin, Is.EqualTo(plan.Passes[0].End).Within(1));
    }

    [Test]
    public void Plan_WithARefinerOfFlows_IsRefused() =>
        Assert.That(
            Refusal(Entries.Words(4, "flow_euler") with { Refiner = new RefinerUse("dev", 0.5) }, Entries.Flux),
            Is.EqualTo("refiner")
        );

    [TestCase(20)]
    [TestCase(3)]
    [TestCase(1)]
    public void Plan_OfOutpainting_RunsTheAskedStepsWhetherTheNetworkSeesTheMaskOrNot(int steps)
    {
        var request = new OutpaintRequest(Entries.Words(steps) with { Width = 96 }, Entries.Picture) { Left = 32 };

        PlannedPass seen = Entries.Plan(request, Entries.Inpainting).Passes.Single();
        PlannedPass unseen = Entries.Plan(request, Entries.Latent).Passes.Single();

        Assert.That((seen.Steps, seen.Strength), Is.EqualTo((steps, 1.0)));
        Assert.That((unseen.Steps, unseen.Strength), Is.EqualTo((steps, 0.8)), "from the drawn out edges");
    }

    [Test]
    public void Plan_WithASecondPass_DrawsSmallEnlargesAndDrawsOver()
    {
        JobPlan plan = Entries.Plan(Entries.Words(10) with { Width = 128, Height = 128, HiresFix = new HiresFix(2, 0.5, 8) }, Entries.Demo);

        Assert.That(
            plan.Passes.Select(pass => (pass.Purpose, pass.Width, pass.Height, pass.Steps, pass.Upscaler)),
            Is.EqualTo(new[] { (PassPurpose.Draw, 64, 64, 10, null), (PassPurpose.Redraw, 128, 128, 4, "demo-upscaler") })
        );
        Assert.That(plan.Steps, Is.EqualTo(14));
        Assert.That(plan.MegapixelSteps, Is.EqualTo((0.004096m * 10) + (0.016384m * 4)));
        Assert.That(
            Entries
                .Plan(Entries.Words(10) with { Width = 128, Height = 128, HiresFix = new HiresFix(2, 0.5, 8, "lanczos") }, Entries.Demo)
                .Passes[1]
                .Upscaler,
            Is.Null
        );
    }

    [Test]
    public void Plan_OfAClip_CountsItsFrames()
    {
        var request = new VideoRequest
        {
            Model = "demo",
            Prompt = "a cat",
            Width = 64,
            Height = 64,
            NumFrames = 8,
            Fps = 8,
            NumInferenceSteps = 10,
            GuidanceScale = 4,
            Scheduler = "ddim",
            Seed = 1,
        };

        JobPlan plan = Entries.Plan(request, Entries.Demo);

        Assert.That((plan.Steps, plan.Frames, plan.Outputs), Is.EqualTo((10, 8, 1)));
        Assert.That((plan.MegapixelSteps, plan.OutputMegapixels), Is.EqualTo((0.004096m * 80, 0.004096m * 8)));
    }

    [Test]
    public void Plan_OfEnlarging_HasStepsWhereTheNetworkHasAny()
    {
        var request = new SuperResolutionRequest
        {
            Model = "any",
            Image = Entries.Picture,
            Scale = 4,
            Width = 256,
            Height = 256,
            NumInferenceSteps = 30,
            Scheduler = "ddim",
        };

        JobPlan diffusion = Entries.Plan(request, Entries.Enlarger);
        JobPlan plain = Entries.Plan(request with { NumInferenceSteps = 1, Scheduler = "" }, Entries.PlainEnlarger);

        Assert.That((diffusion.Steps, diffusion.Passes[0].Width, diffusion.Render), Is.EqualTo((30, 64, (RenderPlan?)null)));
        Assert.That((plain.Steps, plain.Work, plain.IsCurrent), Is.EqualTo((0, 0.065536, true)), "by what it hands out");
    }

    [Test]
    public void Plan_ForAModelThatNoWorkerHasRead_IsOneThatWorkersMakeAnew()
    {
        JobPlan plan = Entries.Plan(Entries.Words(10), Entries.Demo);

        Assert.That((plan.IsAssumed, plan.IsCurrent, plan.Steps), Is.EqualTo((true, false, 10)));
    }

    [Test]
    public void Plan_AsItIsStored_ComesBackAsItWas()
    {
        JobPlan plan = Entries.Plan(Entries.Words(10, "heun") with { HiresFix = new HiresFix(2, 0.5, 8) }, Entries.Latent);

        string json = JsonSerializer.Serialize(plan, WireJson.Options);
        JobPlan back = JsonSerializer.Deserialize<JobPlan>(json, WireJson.Options)!;

        Assert.That(back with { Passes = plan.Passes }, Is.EqualTo(plan));
        Assert.That(back.Passes, Is.EqualTo(plan.Passes));
    }

    [Test]
    public void LeastStrength_LeavesAStepWithAnyScheduler(
        [Values(1, 3, 7, 30, 50)] int steps,
        [ValueSource(nameof(Latents))] string scheduler
    ) =>
        Assert.That(
            Entries.Plan(Entries.FromPicture(steps, JobPlanner.LeastStrength(0, steps), scheduler), Entries.Latent).Steps,
            Is.Positive
        );

    private static string Refusal(JobRequest request, ModelEntry model) =>
        Assert.Throws<PlanException>(() => Entries.Plan(request, model, Entries.Refiner, Entries.FluxDev))!.Field;
}
