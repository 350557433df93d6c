using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Workers;

/// <summary>
/// The packed files of models' tokenizers, each once by the hash by which models name it. Workers store those of their models; the API
/// counts tokens by them.
/// </summary>
public sealed class VocabularyStore(NpgsqlDataSource source)
{
    /// <summary>How long one is kept that no model names any more, so that a worker that is registering its models finds it.</summary>
    private static readonly TimeSpan KeptUnnamed = TimeSpan.FromDays(1);

    /// <summary>Returns the packed files; null where no worker has stored them.</summary>
    public async Task<byte[]?> FindAsync(string sha256, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT files FROM vocabularies WHERE sha256 = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
        return await command.ExecuteScalarAsync(cancellationToken) as byte[];
    }

    /// <summary>Stores those that are not there yet. It is done before the models that name them are registered.</summary>
    internal async Task StoreAsync(IReadOnlyDictionary<string, byte[]> vocabularies, CancellationToken cancellationToken)
    {
        var missing = new HashSet<string>(vocabularies.Keys, StringComparer.Ordinal);
        await using (
            NpgsqlCommand look = source.CreateCommand("UPDATE vocabularies SET named_at = now() WHERE sha256 = ANY($1) RETURNING sha256")
        )
        {
            look.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. missing.Order(StringComparer.Ordinal)] });
            await using NpgsqlDataReader reader = await look.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                missing.Remove(reader.GetString(0));
            }
        }

        foreach (string sha256 in missing.Order(StringComparer.Ordinal))
        {
            await using NpgsqlCommand command = source.CreateCommand(
                "INSERT INTO vocabularies (sha256, files) VALUES ($1, $2) ON CONFLICT (sha256) DO UPDATE SET named_at = now()"
            );
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = vocabularies[sha256], NpgsqlDbType = NpgsqlDbType.Bytea });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Deletes those that no model has named for a while.</summary>
    internal async Task DeleteUnnamedAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            DELETE FROM vocabularies v
            WHERE named_at < now() - $1
              AND NOT EXISTS (
                SELECT FROM models
                WHERE entry -> 'network' -> 'text_encoders' @> jsonb_build_array(jsonb_build_object('vocabulary', v.sha256)))
            """
        );
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = KeptUnnamed });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
