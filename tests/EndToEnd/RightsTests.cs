using System.Text;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.TestSupport;
using Npgsql;

namespace Generation.EndToEnd.Tests;

/// <summary>The API and the workers have no more rights than they need.</summary>
[TestFixture]
public sealed class RightsTests
{
    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [TestCase("create table theirs (id int)")]
    [TestCase("create temporary table theirs (id int)")]
    [TestCase("drop table jobs")]
    [TestCase("alter table accounts add column theirs int")]
    [TestCase("truncate ledger_lines")]
    [TestCase("insert into \"__EFMigrationsHistory\" values ('x', 'y')")]
    [TestCase("create role theirs")]
    [TestCase("create database theirs")]
    [TestCase("copy jobs to program 'cat'")]
    [TestCase("select pg_read_file('/etc/passwd')")]
    [TestCase("alter system set log_statement = 'all'")]
    [CancelAfter(120_000)]
    public async Task Database_ByTheProgramsRole_AllowsNoMoreThanRows(string sql, CancellationToken token)
    {
        await using var connection = new NpgsqlConnection(ByTheProgramsRole() + ";Pooling=false");
        await connection.OpenAsync(token);
        await using var command = new NpgsqlCommand(sql, connection);

        Assert.That(
            async () => await command.ExecuteNonQueryAsync(token),
            Throws
                .TypeOf<PostgresException>()
                .With.Property(nameof(PostgresException.SqlState))
                .EqualTo(PostgresErrorCodes.InsufficientPrivilege)
        );
    }

    [Test, CancelAfter(120_000)]
    public async Task Programs_InTheirEnvironment_HaveNoOwnersPassword(CancellationToken token)
    {
        string owners = new NpgsqlConnectionStringBuilder(_stack.Stack.Servers.Postgres.ConnectionString).Password!;
        foreach (string program in (string[])["api", "worker-1"])
        {
            int pid = _stack.Stack.ProcessOf(program).Pid!.Value;
            string environment = await File.ReadAllTextAsync($"/proc/{pid}/environ", Encoding.UTF8, token);
            Assert.That(environment, Does.Contain("Username=generation_programs").IgnoreCase.And.Not.Contain(owners));
        }

        // And with what they have, all goes as it should
        JobDocument job = await _stack.EndAsync((await _stack.SubmitAsync("a red apple, by right", token, steps: 2)).Id, token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
    }

    /// <summary>The programs' own way to the database, whose password stands in a file where the servers are the stack's.</summary>
    private string ByTheProgramsRole()
    {
        IReadOnlyDictionary<string, string> settings = _stack.Stack.ProgramSettings();
        string address = settings["ConnectionStrings__Postgres"];
        return settings.TryGetValue("Passwords__File", out string? file)
            ? $"{address};Password={(string?)JsonNode.Parse(File.ReadAllText(file))!["postgres"]}"
            : address;
    }
}
