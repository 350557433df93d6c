namespace Generation.Prompts;

/// <summary>How a prompt's text is read.</summary>
public enum PromptSyntax
{
    /// <summary>The text as it stands, cut to what the text encoder takes at once: the reference pipelines' way.</summary>
    Plain = 0,

    /// <summary>
    /// With emphasis, BREAK, textual inversion, and as many chunks as the text needs, as AUTOMATIC1111's web UI reads it. A text
    /// that uses none of this and fits into one chunk gives the same as <see cref="Plain"/>, to the bit.
    /// </summary>
    Weighted = 1,
}
