namespace Generation.Schedules;

/// <summary>How the timesteps of a run are spread over those of the training: table 2 of arXiv 2305.08891.</summary>
internal static class Spacing
{
    /// <summary>Whole timesteps, noisiest first (DDIM, DDPM, PNDM).</summary>
    public static double[] Discrete(SchedulerConfig config, int steps)
    {
        int train = config.NumTrainTimesteps;
        CheckSteps(steps, train);
        return config.TimestepSpacing switch
        {
            "linspace" => [.. Grid.Rounded(Grid.Linspace(0, train - 1, steps)).Reverse()],
            "leading" => Leading(steps, train / steps, config.StepsOffset),
            "trailing" => [.. Grid.Descending(train, (double)train / steps, steps).Select(t => Math.Round(t) - 1)],
            var other => throw Unknown(other),
        };
    }

    /// <summary>
    /// Fractional timesteps in single precision, noisiest first (the schedulers of k-diffusion: Euler, Heun, LMS, KDPM2).
    /// </summary>
    public static double[] Continuous(SchedulerConfig config, int steps)
    {
        int train = config.NumTrainTimesteps;
        CheckSteps(steps, train);
        return config.TimestepSpacing switch
        {
            "linspace" => [.. Grid.Linspace(0, train - 1, steps).Select(t => (double)(float)t).Reverse()],
            "leading" => Leading(steps, train / steps, config.StepsOffset),
            "trailing" => [.. Grid.Descending(train, (double)train / steps, steps).Select(t => Math.Round(t) - 1)],
            var other => throw Unknown(other),
        };
    }

    /// <summary>
    /// Whole timesteps, noisiest first, of a grid with one more value, whose last is the end of the run (the multistep solvers).
    /// </summary>
    /// <param name="config">The settings for spacing and offset are read.</param>
    /// <param name="steps">The number of timesteps.</param>
    /// <param name="last">The number of training timesteps that are used: fewer where lambda_min_clipped cuts the noisy end.</param>
    public static double[] Solver(SchedulerConfig config, int steps, int last)
    {
        CheckSteps(steps, config.NumTrainTimesteps);
        return config.TimestepSpacing switch
        {
            // A class without the setting (the singlestep solver) is linspace.
            "linspace" or "" => [.. Grid.Rounded(Grid.Linspace(0, last - 1, steps + 1)).Reverse().Take(steps)],
            "leading" => [.. Leading(steps + 1, last / (steps + 1), config.StepsOffset).Take(steps)],
            "trailing" => [.. Grid.Descending(last, (double)config.NumTrainTimesteps / steps, steps).Select(t => Math.Round(t) - 1)],
            var other => throw Unknown(other),
        };
    }

    /// <summary>The caller's timesteps as whole numbers.</summary>
    public static double[] Own(IReadOnlyList<double> timesteps, int train)
    {
        for (int i = 0; i < timesteps.Count; i++)
        {
            if (timesteps[i] < 0 || timesteps[i] >= train || (i > 0 && timesteps[i] >= timesteps[i - 1]))
            {
                throw new SchedulerException($"timesteps[{i}] is {timesteps[i]}; timesteps must fall and lie between 0 and {train - 1}");
            }
        }

        return timesteps.Count > 0 ? Grid.Truncated(timesteps) : throw new SchedulerException("timesteps is empty");
    }

    public static void CheckSteps(int steps, int train)
    {
        if (steps < 1 || steps > train)
        {
            throw new SchedulerException($"num_inference_steps is {steps}; it must be between 1 and num_train_timesteps ({train})");
        }
    }

    private static double[] Leading(int steps, int ratio, int offset) =>
        [.. Enumerable.Range(0, steps).Select(i => (double)i * ratio + offset).Reverse()];

    private static SchedulerException Unknown(string spacing) =>
        new($"timestep_spacing is '{spacing}'; it must be linspace, leading or trailing");
}
