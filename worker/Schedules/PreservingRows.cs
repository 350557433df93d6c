namespace Generation.Schedules;

/// <summary>The schedules of DDIM, DDPM, PNDM, LCM and TCD, whose timesteps are whole timesteps of the training.</summary>
internal static class PreservingRows
{
    /// <summary>The order of PNDM's multistep method, and how many steps its Runge-Kutta beginning takes.</summary>
    private const int PndmOrder = 4;

    public static Rows Ddim(SchedulerConfig config, int steps, SchedulerOptions options) => new(steps, Spacing.Discrete(config, steps), []);

    public static Rows Ddpm(SchedulerConfig config, int steps, SchedulerOptions options) =>
        options.Timesteps is { } own
            ? new Rows(own.Count, Spacing.Own(own, config.NumTrainTimesteps), [])
            : new Rows(steps, Spacing.Discrete(config, steps), []);

    public static Rows Pndm(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        double[] rising = [.. Spacing.Discrete(config, steps).Reverse()];
        if (config.SkipPrkSteps)
        {
            // The second timestep is visited twice: its first visit corrects the first step.
            double[] plms = [.. rising[..^1], .. rising.Length > 1 ? rising[^2..^1] : [], rising[^1]];
            return new Rows(steps, [.. plms.Reverse()], []);
        }

        if (steps < PndmOrder)
        {
            throw new SchedulerException(
                $"num_inference_steps is {steps}; the Runge-Kutta steps of PNDM need at least {PndmOrder} (or skip_prk_steps)"
            );
        }

        int half = config.NumTrainTimesteps / steps / 2;
        double[] pairs = [.. rising[^PndmOrder..].SelectMany(t => new[] { t, t + half })];
        double[] doubled = [.. pairs[..^1].SelectMany(t => new[] { t, t })];
        return new Rows(steps, [.. doubled[1..^1].Reverse(), .. rising[..^3].Reverse()], []);
    }

    public static Rows Lcm(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        int original = options.OriginalInferenceSteps ?? config.OriginalInferenceSteps;
        return Consistency(config, steps, options, Distilled(config, options, original), original);
    }

    // With a length given for the run, diffusers takes the steps from all timesteps of the training.
    public static Rows Tcd(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        double[] schedule = options.OriginalInferenceSteps is null
            ? Distilled(config, options, config.OriginalInferenceSteps)
            :
            [
                .. Enumerable
                    .Range(0, (int)(config.NumTrainTimesteps * Timetable.CheckShare("strength", options.ScheduleStrength)))
                    .Select(t => (double)t),
            ];
        return Consistency(config, steps, options, schedule, options.OriginalInferenceSteps ?? config.OriginalInferenceSteps);
    }

    /// <summary>The timesteps of a consistency model, taken from the schedule that the model was distilled on.</summary>
    private static Rows Consistency(SchedulerConfig config, int steps, SchedulerOptions options, double[] distilled, int limit)
    {
        if (options.Timesteps is { } own)
        {
            double[] kept = Spacing.Own(own, config.NumTrainTimesteps);
            int run = Math.Min((int)(kept.Length * options.ScheduleStrength), kept.Length);
            return new Rows(own.Count, kept[(kept.Length - run)..], []);
        }

        Spacing.CheckSteps(steps, config.NumTrainTimesteps);
        if (steps > distilled.Length || steps > limit)
        {
            throw new SchedulerException(
                $"num_inference_steps is {steps}; the schedule that the model was distilled on has {Math.Min(distilled.Length, limit)} "
                    + "(original_inference_steps times strength)"
            );
        }

        double share = distilled.Length / (double)steps;
        double[] falling = [.. distilled.Reverse()];
        return new Rows(steps, [.. Enumerable.Range(0, steps).Select(k => falling[(int)Math.Floor(k * share)])], []);
    }

    /// <summary>
    /// Every k-th timestep of the training, where k is the number of training timesteps divided by <paramref name="originalSteps"/>.
    /// </summary>
    private static double[] Distilled(SchedulerConfig config, SchedulerOptions options, int originalSteps)
    {
        int train = config.NumTrainTimesteps;
        if (originalSteps < 1 || originalSteps > train)
        {
            throw new SchedulerException(
                $"original_inference_steps is {originalSteps}; it must be between 1 and num_train_timesteps ({train})"
            );
        }

        int count = (int)(originalSteps * Timetable.CheckShare("strength", options.ScheduleStrength));
        return [.. Enumerable.Range(1, count).Select(n => (double)n * (train / originalSteps) - 1)];
    }
}
