using System.Text;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Faces;

/// <summary>
/// Lists of pictures over all jobs, an account's own or those that are shown to everybody, and the marks that decide which these are.
/// </summary>
public sealed class OutputGallery(NpgsqlDataSource source)
{
    private static readonly short[] Kinds = [.. JobKinds.Of<PictureRequest>().Select(kind => (short)kind)];

    private const string CreatedAt = "j.finished_at + o.index * interval '1 millisecond'";

    private const string From = $"""
        FROM jobs j
        JOIN job_outputs o ON o.job_id = j.id
        LEFT JOIN output_marks m ON m.job_id = o.job_id AND m.index = o.index
        LEFT JOIN job_outputs u ON u.job_id = m.upscaled_by AND u.index = 0
        WHERE j.state = job_state('succeeded') AND j.finished_at IS NOT NULL
        """;

    private static readonly string Select = $"""
        SELECT {string.Join(", ", JobRow.Columns.Select(c => "j." + c))}, jsonb_strip_nulls(to_jsonb(o) - 'job_id'),
            {CreatedAt}, coalesce(m.gallery, 0)::smallint, u.job_id, jsonb_strip_nulls(to_jsonb(u) - 'job_id')
        {From}
        """;

    /// <summary>Returns the pictures of a page.</summary>
    public async Task<IReadOnlyList<GalleryOutput>> ListAsync(GalleryFilter filter, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand();
        var sql = new StringBuilder(Select);
        Where(command, sql, filter);
        if (filter.After is { } after)
        {
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = after.ToUniversalTime() });
            sql.Append($" AND {CreatedAt} {(filter.Descending ? '<' : '>')} ${command.Parameters.Count}");
        }

        string direction = filter.Descending ? "DESC" : "ASC";
        sql.Append($" ORDER BY {CreatedAt} {direction}, j.id {direction} LIMIT {filter.Limit} OFFSET {filter.Offset}");
        command.CommandText = sql.ToString();
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Counts the pictures of all pages.</summary>
    public async Task<long> CountAsync(GalleryFilter filter, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand();
        var sql = new StringBuilder($"SELECT count(*) {From}");
        Where(command, sql, filter);
        command.CommandText = sql.ToString();
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Finds the first of some outputs that exists, with <paramref name="accountId"/> only among that account's; null if there is none.
    /// </summary>
    public async Task<GalleryOutput?> FindAsync(
        IReadOnlyList<(JobId Job, int Index)> outputs,
        Guid? accountId,
        CancellationToken cancellationToken
    )
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            {Select} AND (j.id, o.index) IN (SELECT * FROM unnest($1, $2)) AND ($3 IS NULL OR j.account_id = $3) LIMIT 1
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. outputs.Select(o => o.Job.Value)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. outputs.Select(o => o.Index)] });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)accountId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    /// <summary>Marks the first <paramref name="count"/> outputs of a job, whether they exist already or not.</summary>
    public async Task MarkGalleryAsync(JobId job, int count, GalleryStatus status, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            INSERT INTO output_marks (job_id, index, gallery) SELECT $1, index, $3 FROM generate_series(0, $2 - 1) AS index
            ON CONFLICT (job_id, index) DO UPDATE SET gallery = excluded.gallery
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job.Value });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)status });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Records which job enlarged an output.</summary>
    public async Task MarkUpscaledAsync(JobId job, int index, JobId upscaledBy, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            INSERT INTO output_marks (job_id, index, upscaled_by) VALUES ($1, $2, $3)
            ON CONFLICT (job_id, index) DO UPDATE SET upscaled_by = excluded.upscaled_by
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job.Value });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = index });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = upscaledBy.Value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void Where(NpgsqlCommand command, StringBuilder sql, GalleryFilter filter)
    {
        And("j.kind = ANY (", Kinds, NpgsqlDbType.Array | NpgsqlDbType.Smallint, ")");
        And("j.account_id = ", filter.AccountId, NpgsqlDbType.Uuid);
        Any("coalesce(m.gallery, 0)", filter.Gallery.Select(g => (double)g));
        Range("o.width", filter.Width);
        Range("o.height", filter.Height);
        Range("(j.request ->> 'num_inference_steps')::float8", filter.Steps);
        Range("(j.request ->> 'guidance_scale')::float8", filter.GuidanceScale);
        Any("o.width", filter.Widths);
        Any("o.height", filter.Heights);
        Any("(j.request ->> 'num_inference_steps')::float8", filter.StepCounts);
        Any("round((j.request ->> 'guidance_scale')::numeric, 4)::float8", filter.GuidanceScales);
        OneOf("j.model", filter.Models);
        OneOf("j.request ->> 'scheduler'", filter.Schedulers);
        if (filter.Upscaled is { } upscaled)
        {
            sql.Append(upscaled ? " AND u.job_id IS NOT NULL" : " AND u.job_id IS NULL");
        }

        And($"{CreatedAt} >= ", filter.From?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        And($"{CreatedAt} <= ", filter.Until?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        foreach (string word in (filter.Search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(20))
        {
            And("strpos(lower(j.request ->> 'prompt'), lower(", word, NpgsqlDbType.Text, ")) > 0");
        }

        void And(string condition, object? value, NpgsqlDbType type, string end = "")
        {
            if (value is not null)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = type });
                sql.Append($" AND {condition}${command.Parameters.Count}{end}");
            }
        }

        void Range(string column, (double? Least, double? Most) range)
        {
            And($"{column} >= ", range.Least, NpgsqlDbType.Double);
            And($"{column} <= ", range.Most, NpgsqlDbType.Double);
        }

        void Any(string column, IEnumerable<double> values)
        {
            double[] all = [.. values];
            And($"{column} = ANY (", all.Length == 0 ? null : all, NpgsqlDbType.Array | NpgsqlDbType.Double, ")");
        }

        void OneOf(string column, IReadOnlyList<string>? values) =>
            And($"{column} = ANY (", values?.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, ")");
    }

    private static async Task<IReadOnlyList<GalleryOutput>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var outputs = new List<GalleryOutput>();
        while (await reader.ReadAsync(cancellationToken))
        {
            int first = JobRow.Columns.Count;
            outputs.Add(
                new GalleryOutput
                {
                    Job = JobRow.Read(reader),
                    Output = GalleryOutput.ReadOutput(reader.GetString(first)),
                    CreatedAt = reader.GetFieldValue<DateTimeOffset>(first + 1),
                    Gallery = (GalleryStatus)reader.GetInt16(first + 2),
                    Upscaled = reader.IsDBNull(first + 3)
                        ? null
                        : (new JobId(reader.GetGuid(first + 3)), GalleryOutput.ReadOutput(reader.GetString(first + 4))),
                }
            );
        }

        return outputs;
    }
}
