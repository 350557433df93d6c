using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Safety;
using Microsoft.Extensions.Caching.Memory;

namespace Generation.Api.Safety;

/// <summary>The accounts' safety rules, at most a second old, and what they make of a request.</summary>
internal sealed class SafetyDirectory(SafetyStore store, IMemoryCache cache)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMilliseconds(800);

    /// <summary>The request with the account's policy over its own, where that is stricter.</summary>
    /// <exception cref="ProblemException">A prompt has a word that the account's rules block (prompt_blocked).</exception>
    public async Task<JobRequest> ApplyAsync(Guid accountId, JobRequest request, CancellationToken cancellationToken)
    {
        AccountSafety rules = await OfAsync(accountId, cancellationToken);
        foreach ((string field, string text) in request.Prompts)
        {
            if (PromptRules.FindBlocked(text, rules.BlockedWords) is { } word)
            {
                string detail = $"has '{ErrorText.Shown(word)}', which the rules of this account do not allow";
                throw new ProblemException(
                    422,
                    "prompt_blocked",
                    $"{field}: {detail}.",
                    new Dictionary<string, string[]> { [field] = [detail] }
                );
            }
        }

        return rules.Policy > request.Safety ? request with { Safety = rules.Policy.Value } : request;
    }

    /// <summary>The rules of an account.</summary>
    public async Task<AccountSafety> OfAsync(Guid accountId, CancellationToken cancellationToken)
    {
        string name = $"safety:{accountId}";
        if (!cache.TryGetValue(name, out AccountSafety? rules))
        {
            rules = await store.FindAsync(accountId, cancellationToken);
            cache.Set(name, rules, Remembered);
        }

        return rules!;
    }
}
