using Generation.Storage.Accounts;
using Generation.Storage.Webhooks;

namespace Generation.Storage.Tests;

public sealed class KeyTests
{
    [Test]
    public void New_Keys_AreWellFormedAndAllDifferent()
    {
        string[] keys = [.. Enumerable.Range(0, 200).Select(_ => ApiKey.New())];

        Assert.That(keys, Is.Unique);
        Assert.That(
            keys,
            Is.All.Matches<string>(k =>
                ApiKey.IsWellFormed(k!) && k!.StartsWith("gk_", StringComparison.Ordinal) && k.Length == ApiKey.Length
            )
        );
    }

    [Test]
    public void IsWellFormed_OneCharacterChanged_IsNot()
    {
        string key = ApiKey.New();

        for (int i = 0; i < key.Length; i++)
        {
            char other = key[i] == 'x' ? 'y' : 'x';
            Assert.That(ApiKey.IsWellFormed(key[..i] + other + key[(i + 1)..]), Is.False, $"position {i}");
        }
    }

    [Test]
    public async Task LoadOrCreate_ManyAtOnce_AgreeOnOneSecretThatOnlyTheOwnerReads()
    {
        string folder = Directory.CreateTempSubdirectory("secret-").FullName;
        string path = Path.Combine(folder, "deeper", "secret");

        KeySecret[] secrets = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => KeySecret.LoadOrCreate(path))));

        Assert.That(secrets.Select(s => Convert.ToHexString(s.Hash("k"))).Distinct().Count(), Is.EqualTo(1));
        Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(path)!), Has.Length.EqualTo(1));
        Directory.Delete(folder, recursive: true);
    }

    [TestCase("")]
    [TestCase("abc")]
    [TestCase("zz00000000000000000000000000000000000000000000000000000000000000")]
    public void LoadOrCreate_DamagedFile_SaysWhatItMustHold(string content)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, content);

        Assert.That(
            () => KeySecret.LoadOrCreate(path),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contain("64 hexadecimal digits")
        );
        File.Delete(path);
    }

    [Test]
    public async Task Rotate_WhileAnotherProcessHasTheFile_KeepsKeysAndSignaturesGood()
    {
        await using StorageScope storage = await StorageScope.CreateAsync();
        string path = storage.Get<Microsoft.Extensions.Options.IOptions<KeysOptions>>().Value.SecretFile;
        KeySecret here = storage.Get<KeySecret>();
        var other = KeySecret.Load(path);
        ApiKeyStore keys = storage.Get<ApiKeyStore>();
        var otherKeys = new ApiKeyStore(storage.Source, other);
        string before = (await keys.CreateAsync(await storage.AccountAsync(), "before", [Scopes.Jobs], null, default)).Key;
        byte[] signature = here.Sign("test", "text");
        string old = here.Id;
        DateTimeOffset now = DateTimeOffset.UtcNow;

        here.Rotate(now);
        string after = (await keys.CreateAsync(await storage.AccountAsync(), "after", [Scopes.Jobs], null, default)).Key;

        Assert.That(here.Ids, Is.EqualTo(new[] { here.Id, old }));
        Assert.That(await otherKeys.FindCallerAsync(after, default), Is.Not.Null, "read again as soon as a key is unknown");
        Assert.That(other.Id, Is.EqualTo(here.Id));
        Assert.That(await keys.CountUnderEarlierSecretsAsync(default), Is.EqualTo(1));
        Assert.That(await otherKeys.FindCallerAsync(before, default), Is.Not.Null);
        Assert.That(await keys.CountUnderEarlierSecretsAsync(default), Is.Zero, "stored under the new one when it was used");
        Assert.That(await keys.FindCallerAsync(before, default), Is.Not.Null);
        Assert.That(here.IsSigned("test", "text", signature, TimeSpan.FromHours(1), now));
        Assert.That(here.IsSigned("test", "text", signature, TimeSpan.FromHours(1), now.AddHours(2)), Is.False, "its grace is over");
        Assert.That(here.IsSigned("test", "text", here.Sign("test", "text"), TimeSpan.Zero, now.AddYears(1)));
        Assert.That(here.IsSigned("test", "other", here.Sign("test", "text"), TimeSpan.Zero, now), Is.False);
        Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Test]
    public async Task SealAnewAsync_AfterTheSecretWasReplaced_WebhookSecretsStayTheSame()
    {
        await using StorageScope storage = await StorageScope.CreateAsync();
        KeySecret secret = storage.Get<KeySecret>();
        var webhooks = new WebhookStore(storage.Source, secret);
        Guid account = await storage.AccountAsync();
        WebhookSecret made = await webhooks.AddSecretAsync(account, default);

        secret.Rotate(DateTimeOffset.UtcNow);
        IReadOnlyList<WebhookSecret> between = await webhooks.SecretsAsync(account, default);
        int changed = await webhooks.SealAnewAsync(default);

        Assert.That(between, Is.EqualTo(new[] { made }));
        Assert.That((changed, await webhooks.SealAnewAsync(default)), Is.EqualTo((1, 0)));
        Assert.That(await webhooks.SecretsAsync(account, default), Is.EqualTo(new[] { made }));
    }
}
