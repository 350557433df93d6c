namespace Generation.Diffusion.Tokenizers;

/// <summary>
/// A tokenizer's files are missing, damaged or at odds with each other; the message names the file and what is wrong with it.
/// </summary>
public sealed class TokenizerException : Exception
{
    public TokenizerException(string message)
        : base(message) { }

    public TokenizerException(string message, Exception inner)
        : base(message, inner) { }
}
