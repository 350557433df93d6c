using System.ComponentModel.DataAnnotations;

namespace Generation.Api;

/// <summary>What accounts begin with: configuration section "Accounts".</summary>
internal sealed record AccountOptions
{
    public const string Section = "Accounts";

    /// <summary>Credits granted to a new account.</summary>
    [Range(0, 1e9)]
    public decimal FreeCredits { get; init; } = 25;
}
