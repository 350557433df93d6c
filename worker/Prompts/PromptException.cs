namespace Generation.Prompts;

/// <summary>A prompt cannot be read; the message says where and what the limit is, and holds nothing of the prompt itself.</summary>
public sealed class PromptException : Exception
{
    public PromptException(string message)
        : base(message) { }
}
