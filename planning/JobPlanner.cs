using Generation.Contracts;
using Generation.Schedules;

namespace Generation.Planning;

/// <summary>
/// Decides what is done for a job. The API plans a job when it is submitted; a worker plans a job that has no plan, or one of another
/// version, by the same function.
/// </summary>
public static class JobPlanner
{
    private const string SwitchAt = "refiner.switch_at";

    /// <summary>Returns the plan of a job.</summary>
    /// <param name="request">The job's request, with every default filled in.</param>
    /// <param name="model">The catalogue entry of its model.</param>
    /// <param name="find">Finds the catalogue entry of another model, a refiner, by name; null where there is none.</param>
    /// <exception cref="PlanException">The job cannot be done; the exception names the field at fault.</exception>
    public static JobPlan Plan(JobRequest request, ModelEntry model, Func<string, ModelEntry?> find)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(find);
        return request.Accept(new Planner(model, find));
    }

    /// <summary>
    /// Returns the strength or, where that is larger, the least one that leaves one of so many steps to run with any scheduler.
    /// </summary>
    public static double LeastStrength(double strength, int steps) => Math.Max(strength, Math.Min(1, (1.0 / Math.Max(1, steps)) + 0.0001));

    private sealed class Planner(ModelEntry model, Func<string, ModelEntry?> find) : IJobRequestVisitor<JobPlan>
    {
        public JobPlan Visit(PictureRequest request) => Pictures(request, model, find);

        public JobPlan Visit(VideoRequest request) => Clip(request, model);

        public JobPlan Visit(SuperResolutionRequest request) => Enlarged(request, model);
    }

    private static JobPlan Pictures(PictureRequest request, ModelEntry model, Func<string, ModelEntry?> find)
    {
        var schedules = PassSchedules.Of(model);
        RenderPlan render = PictureSizes.Of(model, request.Width, request.Height, request.HiresFix);
        (int width, int height) = (render.FirstWidth ?? render.GeneratedWidth, render.FirstHeight ?? render.GeneratedHeight);
        (double strength, int steps) = request.FirstPass(model);
        var passes = new List<PlannedPass>
        {
            Pass(
                PassPurpose.Draw,
                model,
                schedules,
                width,
                height,
                request.Scheduler,
                steps,
                "strength",
                new SchedulerOptions { Strength = strength, DenoisingEnd = request.Refiner?.SwitchAt }
            ),
        };
        bool isAssumed = schedules.IsAssumed;
        if (request.Refiner is { } use)
        {
            ModelEntry refiner = find(use.Model) ?? throw new PlanException("refiner.model", $"is {use.Model}, which is not there");
            var others = PassSchedules.Of(refiner);
            if (schedules.IsFlow || others.IsFlow)
            {
                throw new PlanException("refiner", $"does not go with {model.Name}: models of flows do not share a schedule");
            }

            passes.Add(
                Pass(
                    PassPurpose.Refine,
                    refiner,
                    others,
                    width,
                    height,
                    request.Scheduler,
                    request.NumInferenceSteps,
                    SwitchAt,
                    new SchedulerOptions { DenoisingStart = use.SwitchAt }
                )
            );
            isAssumed |= others.IsAssumed;
        }

        if (request.HiresFix is { } fix)
        {
            (int wide, int high) = (render.GeneratedWidth, render.GeneratedHeight);
            PlannedPass redraw = Pass(
                PassPurpose.Redraw,
                model,
                schedules,
                wide,
                high,
                request.Scheduler,
                fix.Steps,
                "hires_fix.strength",
                new SchedulerOptions { Strength = fix.Strength }
            );
            passes.Add(redraw with { Upscaler = width < wide && fix.Upscaler != HiresFix.Lanczos ? model.Upscaler?.Name : null });
        }

        return new JobPlan
        {
            Version = JobPlan.CurrentVersion,
            IsAssumed = isAssumed,
            Render = render,
            Passes = passes,
            Width = request.Width,
            Height = request.Height,
            Outputs = request.NumImages,
        };
    }

    private static JobPlan Clip(VideoRequest request, ModelEntry model)
    {
        var schedules = PassSchedules.Of(model);
        RenderPlan render = PictureSizes.Of(model, request.Width, request.Height);
        return new JobPlan
        {
            Version = JobPlan.CurrentVersion,
            IsAssumed = schedules.IsAssumed,
            Render = render,
            Passes =
            [
                Pass(
                    PassPurpose.Draw,
                    model,
                    schedules,
                    render.GeneratedWidth,
                    render.GeneratedHeight,
                    request.Scheduler,
                    request.NumInferenceSteps,
                    "num_inference_steps",
                    SchedulerOptions.Default,
                    clip: true
                ),
            ],
            Width = request.Width,
            Height = request.Height,
            Frames = request.NumFrames,
        };
    }

    private static JobPlan Enlarged(SuperResolutionRequest request, ModelEntry model)
    {
        var plan = new JobPlan
        {
            Version = JobPlan.CurrentVersion,
            Passes = [],
            Width = request.Width,
            Height = request.Height,
        };
        if (model.IsPlainUpscaler)
        {
            return plan;
        }

        var schedules = PassSchedules.Of(model);
        // The network sees the picture as it is: one of its latents is one pixel
        return plan with
        {
            IsAssumed = schedules.IsAssumed,
            Passes =
            [
                Pass(
                    PassPurpose.Draw,
                    model,
                    schedules,
                    request.Width / request.Scale,
                    request.Height / request.Scale,
                    request.Scheduler,
                    request.NumInferenceSteps,
                    "num_inference_steps",
                    SchedulerOptions.Default
                ),
            ],
        };
    }

    private static PlannedPass Pass(
        PassPurpose purpose,
        ModelEntry model,
        PassSchedules schedules,
        int width,
        int height,
        string scheduler,
        int steps,
        string field,
        SchedulerOptions shares,
        bool clip = false
    )
    {
        (StepWindow window, string className) = schedules.Find(scheduler, steps, shares, clip);
        if (window.Count == 0)
        {
            throw shares switch
            {
                { DenoisingStart: { } start } => new PlanException(
                    SwitchAt,
                    $"is {start}, which leaves the refiner none of {steps} steps to run"
                ),
                { DenoisingEnd: { } end } => new PlanException(
                    SwitchAt,
                    $"is {end}, which leaves the first model none of {steps} steps to run"
                ),
                _ => new PlanException(
                    field,
                    $"leaves none of {steps} steps to run, and is {shares.Strength}; raise it or num_inference_steps"
                ),
            };
        }

        return new PlannedPass
        {
            Purpose = purpose,
            Model = model.Name,
            Width = width,
            Height = height,
            Scheduler = className,
            ScheduledSteps = steps,
            Strength = shares.Strength,
            Calls = window.Of,
            Begin = window.Begin,
            End = window.End,
        };
    }
}

/// <summary>A request cannot be planned, although each of its fields by itself has an allowed value.</summary>
/// <param name="field">The field of the request that is at fault, by its name on the wire.</param>
/// <param name="message">What is wrong with it and what to do, as the end of a sentence that begins with the field.</param>
public sealed class PlanException(string field, string message) : Exception(message)
{
    public string Field { get; } = field;
}
