using System.Security.Cryptography;
using System.Text;
using Generation.Storage.Audit;
using Npgsql;

namespace Generation.Storage.Tests;

/// <summary>The audit log of a server that was brought up to date: its older entries are chained without a key.</summary>
public sealed class AuditLogTests
{
    private StorageScope _storage = null!;

    private AuditLog Audit => _storage.Get<AuditLog>();

    [SetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [TearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task Verify_RetentionLetGoSomeOfTheOlderEntries_FindsNothingWrong()
    {
        DateTimeOffset old = DateTimeOffset.UtcNow.AddDays(-100);
        await AppendWithoutKeyAsync(old, old, old.AddDays(50), old.AddDays(50));
        await Audit.AppendAsync("test", "test.act", "new", null, default);

        Assert.That(await Audit.ForgetAsync(old.AddDays(10), default), Is.EqualTo(2));
        AuditCheck check = await Audit.VerifyAsync(null, default);
        Assert.That((check.Entries, check.Problem), Is.EqualTo((3, (string?)null)));

        // And later, when the last of them has gone
        Assert.That(await Audit.ForgetAsync(DateTimeOffset.UtcNow.AddDays(1), default), Is.EqualTo(2));
        check = await Audit.VerifyAsync(null, default);
        Assert.That((check.Entries, check.Problem), Is.EqualTo((1, (string?)null)));
    }

    [Test]
    public async Task Verify_EntryWithoutKeyAfterOnesThatRetentionLetGoWithAKey_IsFound()
    {
        for (int entry = 0; entry < 3; entry++)
        {
            await Audit.AppendAsync("test", "test.act", $"{entry}", null, default);
        }

        await Audit.ForgetAsync(DateTimeOffset.UtcNow.AddDays(1), default);
        await AppendWithoutKeyAsync(DateTimeOffset.UtcNow);

        Assert.That((await Audit.VerifyAsync(null, default)).Problem, Does.Contain("Entry 4"));
    }

    /// <summary>Writes entries as version 0.2.0 did, and as somebody would who has the database and not the secret.</summary>
    private async Task AppendWithoutKeyAsync(params DateTimeOffset[] times)
    {
        foreach (DateTimeOffset time in times)
        {
            (long id, byte[] previous) = (0, new byte[32]);
            await using (NpgsqlCommand last = _storage.Source.CreateCommand("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1"))
            await using (NpgsqlDataReader reader = await last.ExecuteReaderAsync())
            {
                if (await reader.ReadAsync())
                {
                    (id, previous) = (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
                }
            }

            id++;
            string[] fields = [time.ToUniversalTime().ToString("O"), "test", "test.act", $"{id}", "{}"];
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(previous);
            hash.AppendData(BitConverter.GetBytes(id));
            foreach (byte[] field in fields.Select(Encoding.UTF8.GetBytes))
            {
                hash.AppendData(BitConverter.GetBytes(field.Length));
                hash.AppendData(field);
            }

            await using NpgsqlCommand insert = _storage.Source.CreateCommand(
                "INSERT INTO audit_log (id, at, actor, action, target, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)"
            );
            insert.Parameters.AddWithValue(id);
            foreach (string field in fields)
            {
                insert.Parameters.AddWithValue(field);
            }

            insert.Parameters.AddWithValue(hash.GetHashAndReset());
            await insert.ExecuteNonQueryAsync();
        }
    }
}
