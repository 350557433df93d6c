using Generation.Storage.Accounts;

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
}
