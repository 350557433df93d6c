using System.Net;
using System.Security.Cryptography;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Backup;
using Generation.Storage.Database;
using Generation.Storage.Results;
using Generation.Storage.Uploads;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>The drill: a backup that is written while jobs come, run and end is restored into another system.</summary>
public sealed class BackupTests
{
    private string _folder = "";
    private string _file = "";

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("backup-").FullName;
        _file = Path.Combine(_folder, "backup.tar");
    }

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Backup_WhileJobsRun_RestoredElsewhere_IsWholeAndConsistent()
    {
        await using ApiScope first = await ApiScope.CreateAsync();
        JobDocument before = await first.SubmitAsync();
        byte[] picture = await first.FinishAsync(before.Id);
        JobDocument running = await first.SubmitAsync();
        await first.Jobs.ClaimAsync(running.Id, "lost", TimeSpan.FromSeconds(30), default);
        await first.Get<AuditLog>().AppendAsync("test", "test.act", "one", null, default);
        string note = Path.Combine(_folder, "note");
        await File.WriteAllTextAsync(note, "a note");

        BackupManifest manifest;
        using (var stop = new CancellationTokenSource())
        {
            Task work = WorkAsync(first, stop.Token);
            manifest = await WriterOf(first)
                .WriteAsync(
                    _file,
                    withResults: true,
                    new Dictionary<string, string> { ["secrets/keys"] = SecretFileOf(first), ["notes/note"] = note },
                    default
                );
            await stop.CancelAsync();
            await work;
        }

        Assert.That(File.GetUnixFileMode(_file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(Directory.GetFiles(_folder), Is.EquivalentTo(new[] { _file, note }), "nothing else is left");

        await using ApiScope second = await ApiScope.CreateAsync();
        var files = new Dictionary<string, string>();
        BackupManifest restored = await ReaderOf(second)
            .RestoreAsync(_file, replace: true, adopt: false, (name, content) => KeepAsync(files, name, content), default);
        PrivateFile.Replace(SecretFileOf(second), files["secrets/keys"]);
        second.Get<KeySecret>().Refresh();

        Assert.That(restored, Is.EqualTo(manifest).Using<BackupManifest>((a, b) => a.CreatedAt == b.CreatedAt && a.Results == b.Results));
        Assert.That(files["notes/note"], Is.EqualTo("a note"));
        Assert.That((await second.Get<Ledger>().CheckAsync(default)).IsRight, "the ledger at one moment");
        Assert.That(await second.Get<Migrator>().PendingAsync(default), Is.Empty);
        using (HttpClient client = second.ClientWith(first.Key))
        {
            // The key of the first system is good at the second, once its callers are forgotten
            await EventuallyAsync(async () => (await client.GetAsync("/v1/account")).StatusCode == HttpStatusCode.OK);
            Assert.That(await client.GetByteArrayAsync($"/v1/jobs/{before.Id}/outputs/0"), Is.EqualTo(picture));
        }

        await CheckOutputsAsync(second);
        Assert.That((await second.Get<AuditLog>().VerifyAsync(null, default)).Problem, Is.Null);

        // A job that ran goes back when its lease has lapsed, and one that waited can be claimed
        NpgsqlDataSource source = second.Get<NpgsqlDataSource>();
        await ExecuteAsync(source, "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 1");
        await EventuallyAsync(async () => (await second.Jobs.FindAsync(running.Id, null, default))!.State == JobState.Queued);
        await second.FinishAsync(running.Id);
        Assert.That((await second.Get<Ledger>().CheckAsync(default)).IsRight, "and after what follows");

        // Numbers go on where they were: nothing is written twice
        JobDocument next = await second.SubmitAsync(client: second.ClientWith(first.Key));
        await second.FinishAsync(next.Id);
        Assert.That((await second.Get<Ledger>().CheckAsync(default)).IsRight);
    }

    [Test]
    public async Task Restore_IntoADatabaseThatIsInUse_IsRefusedUnlessItIsToBeReplaced()
    {
        await using ApiScope scope = await ApiScope.CreateAsync();
        await scope.SubmitAsync();
        await WriterOf(scope).WriteAsync(_file, withResults: true, new Dictionary<string, string>(), default);
        JobDocument since = await scope.SubmitAsync();

        Assert.That(
            () => ReaderOf(scope).RestoreAsync(_file, false, false, (_, _) => Task.CompletedTask, default),
            Throws.InstanceOf<BackupException>().With.Message.Contain("--replace")
        );
        Assert.That(await scope.Jobs.FindAsync(since.Id, null, default), Is.Not.Null, "nothing was changed");
    }

    [Test]
    public async Task Restore_IntoAnEmptyDatabaseOverAnothersStore_IsRefusedUnlessItIsAdopted()
    {
        await using ApiScope live = await ApiScope.CreateAsync();
        JobDocument job = await live.SubmitAsync();
        byte[] picture = await live.FinishAsync(job.Id);
        await WriterOf(live).WriteAsync(_file, withResults: true, new Dictionary<string, string>(), default);

        // As a new PostgreSQL is, whose settings still name the store of the system in use
        await using ApiScope drill = await ApiScope.CreateAsync();
        await ExecuteAsync(drill.Get<NpgsqlDataSource>(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        IResultsStore store = live.Get<IResultsStore>();
        using var ownership = new ResultsOwnership(drill.Get<NpgsqlDataSource>(), store, TimeProvider.System);
        var reader = new BackupReader(drill.Get<NpgsqlDataSource>(), drill.Get<Migrator>(), store, ownership);
        Assert.That(
            () => reader.RestoreAsync(_file, replace: false, adopt: false, (_, _) => Task.CompletedTask, default),
            Throws.InstanceOf<BackupException>().With.Message.Contain("--adopt")
        );
        Assert.That(await live.Get<ResultsOwnership>().LookAsync(default), Is.EqualTo(StoreOwner.Ours), "nothing was taken from it");
        Assert.That(await live.Client.GetByteArrayAsync($"/v1/jobs/{job.Id}/outputs/0"), Is.EqualTo(picture));
    }

    [Test]
    public async Task Restore_OfADamagedOrCutFile_IsRefusedBeforeAnythingChanges()
    {
        await using ApiScope scope = await ApiScope.CreateAsync();
        JobDocument job = await scope.SubmitAsync();
        await scope.FinishAsync(job.Id);
        await WriterOf(scope).WriteAsync(_file, withResults: true, new Dictionary<string, string>(), default);
        byte[] whole = await File.ReadAllBytesAsync(_file);

        // Cut at its end, in its middle; a byte of a row changed; no backup at all
        byte[] changed = [.. whole];
        int row = whole.AsSpan().IndexOf("a red apple"u8);
        Assert.That(row, Is.GreaterThan(0));
        changed[row] ^= 1;
        foreach (byte[] bytes in new[] { whole[..(whole.Length / 2)], whole[..1000], changed, RandomNumberGenerator.GetBytes(5000), [] })
        {
            await File.WriteAllBytesAsync(_file, bytes);
            Assert.That(
                () => ReaderOf(scope).RestoreAsync(_file, true, true, (_, _) => Task.CompletedTask, default),
                Throws.InstanceOf<BackupException>()
            );
        }

        Assert.That(await scope.Jobs.FindAsync(job.Id, null, default), Is.Not.Null);
    }

    [Test]
    public async Task Backup_GivenUp_LeavesNothingAndLetsSweepsGoOn()
    {
        await using ApiScope scope = await ApiScope.CreateAsync();
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();

        Assert.That(
            () => WriterOf(scope).WriteAsync(_file, true, new Dictionary<string, string>(), stop.Token),
            Throws.InstanceOf<OperationCanceledException>()
        );
        Assert.That(
            () =>
                WriterOf(scope)
                    .WriteAsync(_file, true, new Dictionary<string, string> { ["gone"] = Path.Combine(_folder, "gone") }, default),
            Throws.InstanceOf<FileNotFoundException>()
        );
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
        var retention = new Storage.Retention.RetentionStore(
            scope.Get<NpgsqlDataSource>(),
            scope.Get<IResultsStore>(),
            scope.Get<ResultsOwnership>(),
            scope.Get<UploadStore>()
        );
        await scope.Get<IResultsStore>().PutAsync(RandomNumberGenerator.GetBytes(10), "image/png", default);
        Assert.That((await retention.SweepAsync(DateTimeOffset.UtcNow.AddDays(1), false, default)).Deleted, Is.EqualTo(1));
    }

    private static BackupWriter WriterOf(ApiScope scope) =>
        new(scope.Get<NpgsqlDataSource>(), scope.Get<Migrator>(), scope.Get<IResultsStore>(), TimeProvider.System);

    private static BackupReader ReaderOf(ApiScope scope) =>
        new(scope.Get<NpgsqlDataSource>(), scope.Get<Migrator>(), scope.Get<IResultsStore>(), scope.Get<ResultsOwnership>());

    private static string SecretFileOf(ApiScope scope) => scope.Get<IOptions<KeysOptions>>().Value.SecretFile;

    /// <summary>Jobs that are submitted, run and end, and some that are cancelled, until it is stopped.</summary>
    private static async Task WorkAsync(ApiScope scope, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            JobDocument job = await scope.SubmitAsync();
            if (i % 3 == 0)
            {
                await scope.Jobs.CancelAsync(job.Id, null, default);
            }
            else if (i % 3 == 1)
            {
                await scope.FinishAsync(job.Id);
            }
        }
    }

    /// <summary>Every output that the database names is in the store, under its hash.</summary>
    private static async Task CheckOutputsAsync(ApiScope scope)
    {
        var named = new List<string>();
        await using (
            NpgsqlCommand command = scope
                .Get<NpgsqlDataSource>()
                .CreateCommand("SELECT sha256 FROM job_outputs UNION SELECT thumbnail FROM job_outputs")
        )
        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                named.Add(reader.GetString(0));
            }
        }

        Assert.That(named, Is.Not.Empty);
        foreach (string sha256 in named)
        {
            await using Stream? file = await scope.Get<IResultsStore>().OpenAsync(sha256, default);
            Assert.That(file, Is.Not.Null);
            Assert.That(Convert.ToHexStringLower(await SHA256.HashDataAsync(file!)), Is.EqualTo(sha256));
        }
    }

    private static async Task KeepAsync(Dictionary<string, string> files, string name, Stream content)
    {
        using var reader = new StreamReader(content);
        files[name] = await reader.ReadToEndAsync();
    }

    private static async Task EventuallyAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await isSo())
        {
            await Task.Delay(100, limit.Token);
        }
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
