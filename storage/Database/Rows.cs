namespace Generation.Storage;

/// <summary>Who pays: balance and held are in millionths of a credit.</summary>
public sealed class AccountRow
{
    public Guid Id { get; init; }

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public long Balance { get; private set; }

    public long Held { get; private set; }

    /// <summary>Queued and running jobs.</summary>
    public int OpenJobs { get; private set; }

    public int Weight { get; set; } = 1;

    public bool Disabled { get; set; }

    public string? Limits { get; set; }
}

/// <summary>A key of an account; the key itself is nowhere, only its keyed hash.</summary>
public sealed class ApiKeyRow
{
    public Guid Id { get; init; }

    public Guid AccountId { get; init; }

    public required string Name { get; set; }

    public required string Prefix { get; init; }

    public required byte[] Hash { get; init; }

    public required string[] Scopes { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }

    public DateTimeOffset? LastUsedAt { get; set; }
}

/// <summary>One line of a movement of money; the lines of a movement sum to zero.</summary>
public sealed class LedgerLineRow
{
    public long Id { get; init; }

    public long Movement { get; init; }

    public DateTimeOffset At { get; init; }

    public LedgerEntry Entry { get; init; }

    public LedgerBook Book { get; init; }

    public Guid? AccountId { get; init; }

    public Guid? JobId { get; init; }

    public long Amount { get; init; }

    public long? Balance { get; init; }

    public long? Held { get; init; }

    public string? Note { get; init; }
}

/// <summary>A worker process, as it last reported.</summary>
public sealed class WorkerRow
{
    public required string Id { get; init; }

    public required string[] Models { get; set; }

    public string[] Loaded { get; set; } = [];

    public int Slots { get; set; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset LastSeen { get; set; }

    public bool Draining { get; set; }

    public string? Info { get; set; }
}

/// <summary>A model's catalogue entry, as the last worker to register it had it.</summary>
public sealed class ModelRow
{
    public required string Name { get; init; }

    public required string Entry { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }
}
