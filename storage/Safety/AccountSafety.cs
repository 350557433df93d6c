using Generation.Contracts;

namespace Generation.Storage.Safety;

/// <summary>An account's rules about what its jobs may show.</summary>
/// <param name="Policy">Least of what is done with outputs that the safety checker flags; null: requests say, or the model.</param>
/// <param name="BlockedWords">Words and phrases that no prompt may have.</param>
public sealed record AccountSafety(SafetyPolicy? Policy, IReadOnlyList<string> BlockedWords)
{
    /// <summary>Of an account that has no rules.</summary>
    public static AccountSafety None { get; } = new(null, []);
}
