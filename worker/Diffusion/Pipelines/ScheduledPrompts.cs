namespace Generation.Diffusion.Pipelines;

/// <summary>A run's prompts step by step, each different set of them once; see <see cref="PromptSchedule"/>.</summary>
internal sealed class ScheduledPrompts
{
    private readonly int[] _setOfStep;

    /// <exception cref="SettingException">A prompt becomes more texts than may be.</exception>
    public ScheduledPrompts(DiffusionSettings settings, IReadOnlyList<PictureItem> pictures)
    {
        int steps = Math.Max(1, settings.NumInferenceSteps);
        _setOfStep = new int[steps];
        if (settings.PromptSyntax == PromptSyntax.Plain)
        {
            Sets = [pictures];
            return;
        }

        PictureItem[][] bySteps = [.. pictures.Select(picture => OfSteps(picture, steps))];
        var sets = new List<PictureItem[]>();
        for (int step = 0; step < steps; step++)
        {
            PictureItem[] now = [.. bySteps.Select(ofSteps => ofSteps[step])];
            int known = sets.FindIndex(set => set.SequenceEqual(now));
            if (known < 0)
            {
                known = sets.Count;
                sets.Add(now);
            }

            _setOfStep[step] = known;
        }

        if (sets.Count > PromptSchedule.MaxTexts)
        {
            throw new SettingException(
                "prompt",
                $"and negative_prompt together become {sets.Count} different pairs by their [from:to:when] and [a|b]; the limit is "
                    + $"{PromptSchedule.MaxTexts}."
            );
        }

        Sets = sets;
    }

    /// <summary>The different sets of prompts, in the order in which they are first used; each has all pictures.</summary>
    public IReadOnlyList<IReadOnlyList<PictureItem>> Sets { get; }

    /// <summary>Index of the set for a call of the network.</summary>
    /// <param name="i">Index of the call in the whole schedule.</param>
    /// <param name="calls">Calls of the whole schedule; methods of second order make two a step.</param>
    public int At(int i, int calls) => _setOfStep[Math.Clamp((int)((long)i * _setOfStep.Length / calls), 0, _setOfStep.Length - 1)];

    private static PictureItem[] OfSteps(PictureItem picture, int steps)
    {
        IReadOnlyList<string>? prompts = Texts("prompt", picture.Prompt, steps);
        IReadOnlyList<string>? negatives = Texts("negative_prompt", picture.NegativePrompt, steps);
        IReadOnlyList<string>? prompts2 = Texts("prompt_2", picture.Prompt2, steps);
        IReadOnlyList<string>? negatives2 = Texts("negative_prompt_2", picture.NegativePrompt2, steps);
        return
        [
            .. Enumerable
                .Range(0, steps)
                .Select(step =>
                    picture with
                    {
                        Prompt = prompts![step],
                        NegativePrompt = negatives?[step],
                        Prompt2 = prompts2?[step],
                        NegativePrompt2 = negatives2?[step],
                    }
                ),
        ];
    }

    private static IReadOnlyList<string>? Texts(string field, string? prompt, int steps)
    {
        try
        {
            return prompt is null ? null : PromptSchedule.Texts(prompt, steps);
        }
        catch (PromptException e)
        {
            throw new SettingException(field, e.Message);
        }
    }
}
