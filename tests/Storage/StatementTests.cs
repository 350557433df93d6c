using System.Data;
using System.Reflection;
using Generation.Storage.Database;
using Generation.Storage.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Tests;

/// <summary>Over all statements that stand in files of storage/Sql.</summary>
public sealed class StatementTests
{
    private const string Settlement = "-- The end of a job settles what was held for it.";

    private static readonly Assembly Code = typeof(JobStore).Assembly;

    private StorageScope _storage = null!;

    /// <summary>The statements that the code has, each once for each field that has it.</summary>
    internal static IReadOnlyList<Statement> Statements { get; } =
    [
        .. Code.GetTypes()
            .Where(t => !t.ContainsGenericParameters)
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .SelectMany(f =>
                f.FieldType switch
                {
                    { } type when type == typeof(Statement) => [(Statement)f.GetValue(null)!],
                    { IsGenericType: true } type when type.GetGenericTypeDefinition() == typeof(RowsStatement<>) => (IEnumerable<Statement>)
                        type.GetProperty(nameof(RowsStatement<object>.Forms))!.GetValue(f.GetValue(null))!,
                    _ => [],
                }
            ),
    ];

    private static IEnumerable<string> Files => Code.GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal));

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public void Files_All_AreUsedOnce() => Assert.That(Statements.Select(s => Statement.ResourceOf(s.Name)), Is.EquivalentTo(Files));

    [Test]
    public void Files_All_BeginWithWhatTheyDoAndEndAsAStatement()
    {
        foreach (string file in Files)
        {
            string text = Read(file);
            Assert.That(text, Does.StartWith("-- "), file);
            Assert.That(text.TrimEnd(), Does.EndWith(";"), file);
        }
    }

    [Test]
    public void Statement_ParametersThatTheFileDoesNotHave_AreAnError()
    {
        Assert.That(() => new Statement("put-back"), Throws.InvalidOperationException);
        Assert.That(
            () => new Statement("put-back", ("ids", NpgsqlDbType.Uuid), ("more", NpgsqlDbType.Text)),
            Throws.InvalidOperationException
        );
        Assert.That(() => new Statement("put-nowhere"), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Statement_Prepared_IsTakenWithTheTypesThatTheCodeGives([ValueSource(nameof(Names))] string name)
    {
        Statement statement = Statements.First(s => s.Name == name);
        await using NpgsqlConnection connection = await _storage.Source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(statement.Text, connection);
        command.Parameters.AddRange(statement.InBatch(new object?[statement.ParameterCount]).Parameters.Select(p => p.Clone()).ToArray());

        await command.PrepareAsync();

        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly))
        {
            string[] columns = [.. (await reader.GetColumnSchemaAsync()).Select(c => c.ColumnName)];
            if (columns.Contains("webhook_events"))
            {
                Assert.That(columns.Take(JobRow.Columns.Count), Is.EqualTo(JobRow.Columns));
            }
        }

        // Planned, too: that is when the numbers of names (job_state('running')) are looked up
        command.CommandText = "EXPLAIN " + command.CommandText;
        await command.ExecuteNonQueryAsync();
    }

    [Test]
    public void Statements_ThatEndJobs_SettleAlike()
    {
        string[] ends = [.. Files.Select(Read).Where(text => text.Contains("finished_at = now()", StringComparison.Ordinal))];

        Assert.That(ends, Has.Length.GreaterThan(1));
        Assert.That(ends.Select(text => text[text.IndexOf(Settlement, StringComparison.Ordinal)..]).Distinct(), Has.Exactly(1).Items);
    }

    private static IEnumerable<string> Names() => Statements.Select(s => s.Name);

    private static string Read(string file)
    {
        using var reader = new StreamReader(Code.GetManifestResourceStream(file)!);
        return reader.ReadToEnd();
    }
}
