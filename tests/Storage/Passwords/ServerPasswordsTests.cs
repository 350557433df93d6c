using System.Text.Json;
using Generation.Storage.Passwords;
using Generation.TestSupport;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Generation.Storage.Tests.Passwords;

/// <summary>Passwords that change while programs run.</summary>
public sealed class ServerPasswordsTests
{
    private string _file = "";

    [SetUp]
    public void MakeFile() => _file = Path.GetTempFileName();

    [TearDown]
    public void DeleteFile() => File.Delete(_file);

    [Test]
    public async Task OfPostgres_WhileItChanges_WaitsUntilOneOfTheTwoIsGood()
    {
        await using TestScope servers = await TestServers.NewScopeAsync(migrated: false, broker: false);
        string role = $"changing_{Guid.NewGuid():N}";
        await using var owner = NpgsqlDataSource.Create(servers.Postgres);
        await ExecuteAsync(owner, $"create role {role} login password 'first'");
        var address = new NpgsqlConnectionStringBuilder(servers.Postgres) { Username = role, Password = null };
        try
        {
            Write(new() { ["postgres"] = "first" });
            Assert.That(await Passwords().OfPostgresAsync(address, default), Is.EqualTo("first"));

            Write(new() { ["postgres"] = "first", ["postgres_next"] = "second" });
            Task<string> waiting = Passwords().OfPostgresAsync(address, default).AsTask();
            await ExecuteAsync(owner, $"alter role {role} password 'second'");
            Assert.That(await waiting, Is.EqualTo("second"));

            // As it stays where whoever changes it dies before it writes that down
            Assert.That(await Passwords().OfPostgresAsync(address, default), Is.EqualTo("second"));
            Write(new() { ["postgres"] = "second" });
            Assert.That(await Passwords().OfPostgresAsync(address, default), Is.EqualTo("second"));
        }
        finally
        {
            await ExecuteAsync(owner, $"drop role {role}");
        }
    }

    [Test]
    public async Task OfPostgres_ChangeThatIsTakenBack_TakesThePresentOne()
    {
        await using TestScope servers = await TestServers.NewScopeAsync(migrated: false, broker: false);
        var address = new NpgsqlConnectionStringBuilder(servers.Postgres);
        string password = address.Password!;
        address.Password = null;
        Write(new() { ["postgres"] = password, ["postgres_next"] = "never" });
        Task<string> waiting = Passwords().OfPostgresAsync(address, default).AsTask();
        Write(new() { ["postgres"] = password });
        Assert.That(await waiting, Is.EqualTo(password));
    }

    [TestCase("{")]
    [TestCase("[1]")]
    [TestCase("{\"redis\": 5}")]
    public void Find_InAFileThatIsNone_SaysWhich(string text)
    {
        File.WriteAllText(_file, text);
        Assert.That(
            () => Passwords().Find("redis"),
            Throws.TypeOf<IOException>().With.Message.Contains("Passwords:File").And.Message.Contains(_file)
        );
    }

    [Test]
    public void Find_WithoutAFile_IsNothing() => Assert.That(ServerPasswords.Of(new ConfigurationBuilder().Build()).Find("redis"), Is.Null);

    private ServerPasswords Passwords() =>
        ServerPasswords.Of(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Passwords:File"] = _file }).Build()
        );

    /// <summary>Whole or not at all, as whoever changes passwords does it.</summary>
    private void Write(Dictionary<string, string> passwords)
    {
        File.WriteAllText(_file + ".new", JsonSerializer.Serialize(passwords));
        File.Move(_file + ".new", _file, overwrite: true);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource owner, string sql)
    {
        await using NpgsqlCommand command = owner.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
