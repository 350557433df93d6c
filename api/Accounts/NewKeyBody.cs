using System.ComponentModel;
using Generation.Api.Web;

namespace Generation.Api.Accounts;

/// <summary>Fields of a new key.</summary>
public sealed record NewKeyBody
{
    private const int MaxNameLength = 200;

    private const int MaxDays = 36_500;

    [Description("A name for people, of 200 characters at most.")]
    public string? Name { get; set; }

    [Description("jobs, read, admin; absent: jobs.")]
    public string[]? Scopes { get; set; }

    [Description("After how many days it expires, 1 to 36500.")]
    public int? ExpiresDays { get; set; }

    internal string NameOrDefault => string.IsNullOrWhiteSpace(Name) ? "key" : Name;

    internal string[] ScopesOrDefault => Scopes ?? [Storage.Accounts.Scopes.Jobs];

    internal DateTimeOffset? ExpiresAt(TimeProvider time) => ExpiresDays is { } days ? time.GetUtcNow().AddDays(days) : null;

    /// <summary>Adds what is wrong with the fields.</summary>
    internal void Check(FieldErrors errors)
    {
        if (Name?.Length > MaxNameLength)
        {
            errors.Add("name", $"may have {MaxNameLength} characters at most, and has {Name.Length}");
        }

        IReadOnlyList<string> all = Storage.Accounts.Scopes.All;
        if (Scopes is [])
        {
            errors.Add("scopes", $"must name one at least of {string.Join(", ", all)}, and is empty");
        }

        foreach (string scope in (Scopes ?? []).Where(scope => !all.Contains(scope)))
        {
            errors.Add("scopes", $"takes {string.Join(", ", all)}, and has '{ErrorText.Shown(scope)}'");
        }

        if (ExpiresDays is < 1 or > MaxDays)
        {
            errors.Add("expires_days", $"must be 1 to {MaxDays}, and is {ExpiresDays}");
        }
    }
}
