namespace Generation.Prompts;

/// <summary>A stretch of a prompt with one weight.</summary>
/// <param name="Text">The text, escapes resolved.</param>
/// <param name="Weight">What the encoded text is multiplied by; 1 leaves it alone.</param>
public sealed record PromptPart(string Text, double Weight);
