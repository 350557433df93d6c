using System.Text.Json.Serialization;

namespace Generation.Storage.Accounts;

/// <summary>Why credits were moved. The numbers are stored and never change.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LedgerEntry>))]
public enum LedgerEntry
{
    /// <summary>Free credits of a new account.</summary>
    [JsonStringEnumMemberName("grant")]
    Grant = 0,

    /// <summary>Credits held for a submitted job.</summary>
    [JsonStringEnumMemberName("hold")]
    Hold = 1,

    /// <summary>Credits taken from those held, for work that was done.</summary>
    [JsonStringEnumMemberName("charge")]
    Charge = 2,

    /// <summary>Credits that were held and not used, returned to the balance.</summary>
    [JsonStringEnumMemberName("release")]
    Release = 3,

    /// <summary>Credits of a charge that an operator returned.</summary>
    [JsonStringEnumMemberName("refund")]
    Refund = 4,

    /// <summary>Credits that were bought.</summary>
    [JsonStringEnumMemberName("top_up")]
    TopUp = 5,
}

/// <summary>The books between which credits are moved. The numbers are stored and never change.</summary>
public enum LedgerBook
{
    /// <summary>The credits that an account can spend.</summary>
    Available = 0,

    /// <summary>The credits of an account that are held for open jobs.</summary>
    Held = 1,

    /// <summary>The system's book of what jobs have cost.</summary>
    Revenue = 2,

    /// <summary>The system's book that granted and bought credits come from; it is negative.</summary>
    Issued = 3,
}
