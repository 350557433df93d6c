using System.Text.RegularExpressions;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Prompts;

namespace Generation.Api.Kinds;

/// <summary>Prompts: their length, their syntax, and what of it is not done and therefore told.</summary>
internal sealed partial class RequestChecks
{
    public const int MaxPromptLength = 4000;

    private readonly List<SaidNotice> _warnings = [];

    /// <summary>The prompt of a request that needs one.</summary>
    public string Prompt(string? prompt)
    {
        if (prompt is null)
        {
            if (!errors.Has("prompt"))
            {
                errors.Add("prompt", "is required");
            }

            return "";
        }

        if (string.IsNullOrWhiteSpace(prompt))
        {
            errors.Add("prompt", "must not be empty");
        }

        return OptionalPrompt("prompt", prompt);
    }

    /// <summary>Words that may be left out; empty where they are.</summary>
    public string OptionalPrompt(string field, string? prompt) => Text(field, prompt ?? "", MaxPromptLength);

    /// <summary>Takes LoRAs out of a prompt of a kind that takes none, each of which is an error.</summary>
    public void NoLoras(string field, string prompt)
    {
        foreach (LoraTag tag in PromptTags.TakeLoras(field, prompt, errors).Loras)
        {
            errors.Add(field, $"{ErrorText.Shown(tag.Tag)} names a LoRA, which cannot be here; take it out");
        }
    }

    /// <summary>Reads both prompts of a kind that takes no LoRAs.</summary>
    public void SyntaxWithoutLoras(string prompt, string negative, ModelEntry model, int steps)
    {
        NoLoras("prompt", prompt);
        NoLoras("negative_prompt", negative);
        Syntax("prompt", prompt, model, steps);
        Syntax("negative_prompt", negative, model, steps);
    }

    /// <summary>
    /// Reads a prompt as the model will, so that what its worker would refuse is refused now, and what it does not do is told.
    /// </summary>
    /// <param name="field">The prompt's field.</param>
    /// <param name="prompt">The prompt, without tags.</param>
    /// <param name="model">The model that reads it.</param>
    /// <param name="steps">Steps that the picture's whole schedule has.</param>
    public void Syntax(string field, string prompt, ModelEntry model, int steps)
    {
        if (prompt.Length > MaxPromptLength || steps < 1 || steps > model.MaxSteps)
        {
            return;
        }

        foreach (Match tag in OtherTag().Matches(prompt))
        {
            string shown = ErrorText.Shown(tag.Value);
            Warn($"{field}: {shown} is read as words.", Notice.Of("tag_is_words", ("field", field), ("tag", shown)));
        }

        if (model.Network?.PlainPrompts == true)
        {
            if (Weighted().IsMatch(prompt))
            {
                Warn(
                    $"{field}: {model.Name} reads plain text; brackets and weights are words to it.",
                    Notice.Of("weights_are_words", ("field", field), ("model", model.Name))
                );
            }

            return;
        }

        if (And().IsMatch(prompt))
        {
            Warn(
                $"{field}: AND is read as a word; prompts are not composed into one picture.",
                Notice.Of("and_is_a_word", ("field", field))
            );
        }

        try
        {
            foreach (string text in PromptSchedule.Texts(prompt, steps).Distinct(StringComparer.Ordinal))
            {
                PromptParser.Parse(text);
            }
        }
        catch (PromptException e)
        {
            errors.Add(field, e.Message.TrimEnd('.'));
        }
    }

    private void Warn(string text, Notice notice)
    {
        const int MostWarnings = 20;
        if (_warnings.Count < MostWarnings)
        {
            _warnings.Add(new SaidNotice(text, notice));
        }
    }

    [GeneratedRegex(@"\bAND\b", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex And();

    [GeneratedRegex(@"<\w+:[^<>]+>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OtherTag();

    [GeneratedRegex(
        @"\(\(|\([^()]*:\s*[-+]?[\d.]+\s*\)|\[[^\[\]]*[:|][^\[\]]*\]|\bBREAK\b",
        RegexOptions.None,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Weighted();
}
