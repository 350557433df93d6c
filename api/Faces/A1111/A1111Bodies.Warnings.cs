using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;

namespace Generation.Api.Faces.A1111;

/// <summary>What is not done: told in the answer where the picture is still of use, refused where the web UI would refuse, too.</summary>
internal sealed partial class A1111Bodies
{
    /// <summary>Notes overridden options that are none here.</summary>
    public void WarnOfOptions(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            Warn($"override_settings: {ErrorText.Shown(name)} is no option here.");
        }
    }

    private void WarnOfCommon()
    {
        if (body.Number("subseed_strength") is > 0)
        {
            Warn("subseed_strength: variations of a seed are not done; the picture is of the seed alone.");
        }

        if (body.Int("seed_resize_from_w") is > 0 || body.Int("seed_resize_from_h") is > 0)
        {
            Warn("seed_resize_from_w: the noise is of the picture's own size; seeds are not resized.");
        }

        if (body.Flag("tiling") == true)
        {
            Warn("tiling: is not done; the picture's borders do not fit together.");
        }

        if (body.Flag("restore_faces") == true)
        {
            Warn("restore_faces: is not done; there is no network for faces.");
        }

        foreach ((string field, double[] same) in ((string, double[])[])[("s_churn", [0]), ("s_tmin", [0]), ("s_noise", [1])])
        {
            if (body.Number(field) is { } value && !same.Contains(value))
            {
                Warn($"{field}: is not done; the sampler's own is {same[0]}.");
            }
        }

        if (body.Number("eta") is { } eta && eta is not (0 or 1))
        {
            Warn("eta: is not done; samplers have their own.");
        }

        if (body.Number("s_min_uncond") is > 0)
        {
            Warn("s_min_uncond: is not done; every step has the negative prompt.");
        }
    }

    private void WarnOfHires(PictureBody native)
    {
        if (
            body.Text("hr_prompt") is { } prompt && prompt != native.Prompt
            || body.Text("hr_negative_prompt") is { } negative && negative != native.NegativePrompt
        )
        {
            Warn("hr_prompt: both passes have the same prompts.");
        }

        if (
            body.Text("hr_sampler_name") is { } sampler
            && !IsSame(sampler)
            && FaceNames.Normal(sampler) != FaceNames.Normal(_sampling.Sampler)
        )
        {
            Warn("hr_sampler_name: both passes have the same sampler.");
        }

        if (
            body.Text("hr_scheduler") is { } schedule
            && !IsSame(schedule)
            && FaceNames.Normal(schedule) != FaceNames.Normal(_sampling.Schedule)
        )
        {
            Warn("hr_scheduler: both passes have the same schedule.");
        }

        if (body.Text("hr_checkpoint_name") is { } checkpoint && !IsSame(checkpoint) && WeightFiles.Bare(checkpoint) != native.Model)
        {
            Warn("hr_checkpoint_name: both passes have the same checkpoint.");
        }

        static bool IsSame(string name) => name.StartsWith("Use same", StringComparison.OrdinalIgnoreCase) || name is "None" or "none";
    }

    /// <summary>
    /// Selectable scripts there are none; of those that always run, ControlNet, and what changes nothing. One that is switched off is
    /// passed over.
    /// </summary>
    private FaceValue? CheckScripts()
    {
        if (body.Text("script_name") is { } selected && selected is not ("None" or "none"))
        {
            throw new ProblemException(422, "script_not_found", $"Script '{ErrorText.Shown(selected)}' not found");
        }

        FaceValue? control = null;
        foreach ((string name, FaceValue script) in body.Value("alwayson_scripts")?.Members ?? new Dictionary<string, FaceValue>())
        {
            FaceValue[] args = script.Member("args") is { IsNull: false } given ? [.. given.Items()] : [];
            if (name.Equals("ControlNet", StringComparison.OrdinalIgnoreCase))
            {
                control = script.Member("args");
            }
            else if (args.Length == 0 || args[0].IsNull || args[0].Text is "false" or "False")
            {
                // Switched off
            }
            else if (table.IgnoredScripts.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                Warn($"alwayson_scripts: {ErrorText.Shown(name)} is not here; its arguments are not read.");
            }
            else
            {
                throw new ProblemException(422, "script_not_found", $"always on script {ErrorText.Shown(name)} not found");
            }
        }

        return control;
    }
}
