using Generation.Hosting.Servers;

namespace Generation.Hosting.Tests;

[TestFixture]
public sealed class DataFolderTests
{
    private string _clone = null!;

    [SetUp]
    public void MakeClone()
    {
        _clone = Directory.CreateTempSubdirectory("generation-clone-").FullName;
        File.SetUnixFileMode(_clone, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
    }

    [TearDown]
    public void DeleteClone() => Directory.Delete(_clone, recursive: true);

    [Test]
    public void OfClone_Reachable_LiesInTheClone() =>
        Assert.That(DataFolder.OfClone(_clone).Root, Is.EqualTo(Path.Combine(_clone, ".generation")));

    [Test]
    public void OfClone_ClosedFolderAsRoot_LiesElsewhereAndIsLinked()
    {
        File.SetUnixFileMode(_clone, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var folder = DataFolder.OfClone(_clone);
        if (Environment.UserName != "root")
        {
            // Without root, the servers run as ourselves, who reach it
            Assert.That(folder.Root, Is.EqualTo(Path.Combine(_clone, ".generation")));
            return;
        }

        try
        {
            Assert.That(folder.Root, Does.StartWith("/var/lib/generation/"));
            Assert.That(new FileInfo(Path.Combine(_clone, ".generation")).LinkTarget, Is.EqualTo(folder.Root));
            Assert.That(DataFolder.OfClone(_clone).Root, Is.EqualTo(folder.Root), "the second time");
        }
        finally
        {
            Directory.Delete(folder.Root, recursive: true);
        }
    }

    [Test]
    public void At_ThroughALinkOnTheWay_IsTheFolderItself()
    {
        string real = Directory.CreateDirectory(Path.Combine(_clone, "real")).FullName;
        string link = Path.Combine(_clone, "link");
        File.CreateSymbolicLink(link, real);

        // Servers' processes work in it, and are known by the folder's own name
        Assert.That(DataFolder.At(Path.Combine(link, "data")).Root, Is.EqualTo(Path.Combine(real, "data")));
    }

    [Test]
    public void Secret_AskedTwice_IsOneAndItsOwners()
    {
        var folder = DataFolder.OfClone(_clone);
        string first = folder.Secret("a");
        Assert.That(folder.Secret("a"), Is.EqualTo(first).And.Length.EqualTo(64));
        Assert.That(folder.Secret("b"), Is.Not.EqualTo(first));
        Assert.That(File.GetUnixFileMode(folder.SecretFile("a")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }
}
