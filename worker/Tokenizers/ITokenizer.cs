namespace Generation.Tokenizers;

/// <summary>A text encoder's tokenizer. Safe for use by several threads at once.</summary>
public interface ITokenizer
{
    /// <summary>The size of the vocabulary with added tokens: all ids are below it.</summary>
    public int Count { get; }

    /// <summary>How many ids stand around every text: the begin and end tokens.</summary>
    public int MarkCount { get; }

    /// <summary>Encodes <paramref name="text"/> without the begin and end tokens.</summary>
    public int[] EncodeWithoutSpecialTokens(string text);
}
