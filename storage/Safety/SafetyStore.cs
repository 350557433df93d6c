using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Safety;

/// <summary>An account's rules about the contents of its jobs.</summary>
/// <param name="Policy">The least strict policy for outputs that the safety checker flags; null where requests or the model decide.</param>
/// <param name="BlockedWords">Words and phrases that no prompt may contain.</param>
public sealed record AccountSafety(SafetyPolicy? Policy, IReadOnlyList<string> BlockedWords)
{
    /// <summary>The rules of an account that has none.</summary>
    public static AccountSafety None { get; } = new(null, []);
}

/// <summary>The accounts' safety rules, as operators set them.</summary>
public sealed class SafetyStore(NpgsqlDataSource source)
{
    /// <summary>The rules of an account; <see cref="AccountSafety.None"/> where it has none.</summary>
    public async Task<AccountSafety> FindAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT policy, blocked_words FROM account_safety WHERE account_id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new AccountSafety(
                reader.IsDBNull(0) ? null : Enum.Parse<SafetyPolicy>(reader.GetString(0), ignoreCase: true),
                reader.GetFieldValue<string[]>(1)
            )
            : AccountSafety.None;
    }

    /// <summary>Replaces the rules. False if there is no such account.</summary>
    public async Task<bool> SetAsync(Guid accountId, AccountSafety rules, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            INSERT INTO account_safety (account_id, policy, blocked_words) SELECT id, $2, $3 FROM accounts WHERE id = $1
            ON CONFLICT (account_id) DO UPDATE SET policy = excluded.policy, blocked_words = excluded.blocked_words, updated_at = now()
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(
            new NpgsqlParameter
            {
                Value = (object?)rules.Policy?.ToString().ToLowerInvariant() ?? DBNull.Value,
                NpgsqlDbType = NpgsqlDbType.Text,
            }
        );
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rules.BlockedWords] });
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }
}
