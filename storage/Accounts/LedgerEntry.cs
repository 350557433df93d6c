using System.Text.Json.Serialization;

namespace Generation.Storage.Accounts;

/// <summary>Why money moved. The numbers are stored: they never change.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LedgerEntry>))]
public enum LedgerEntry
{
    /// <summary>Free credits.</summary>
    [JsonStringEnumMemberName("grant")]
    Grant = 0,

    /// <summary>Set aside for a submitted job.</summary>
    [JsonStringEnumMemberName("hold")]
    Hold = 1,

    /// <summary>Taken from what was held, for work done.</summary>
    [JsonStringEnumMemberName("charge")]
    Charge = 2,

    /// <summary>What was held and not used, given back.</summary>
    [JsonStringEnumMemberName("release")]
    Release = 3,

    /// <summary>A charge given back by an operator.</summary>
    [JsonStringEnumMemberName("refund")]
    Refund = 4,

    /// <summary>Bought credits.</summary>
    [JsonStringEnumMemberName("top_up")]
    TopUp = 5,
}

/// <summary>The books between which money moves. The numbers are stored: they never change.</summary>
public enum LedgerBook
{
    /// <summary>An account's credits that it can spend.</summary>
    Available = 0,

    /// <summary>An account's credits that are set aside for open jobs.</summary>
    Held = 1,

    /// <summary>The system's: what jobs have cost.</summary>
    Revenue = 2,

    /// <summary>The system's: where granted and bought credits come from; negative by nature.</summary>
    Issued = 3,
}
