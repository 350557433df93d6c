using System.Runtime.CompilerServices;
using Generation.TestSupport;

namespace Generation.Hosting.Tests;

/// <summary>Tests see the models that travel with the project, and not those of whoever works with the clone.</summary>
public sealed class TestModelsTests
{
    [Test]
    public void LinkOurs_FolderWithModelsOfSomebody_LeavesThemOut()
    {
        string models = Directory.CreateTempSubdirectory("models-").FullName;
        string folder = Directory.CreateTempSubdirectory("ours-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(models, "demo.json"), "{}");
            File.WriteAllText(Path.Combine(models, "somebodys.json"), "{}");

            TestModels.LinkOurs(models, folder);

            Assert.That(
                Directory.GetFiles(folder, "*.json").Select(Path.GetFileName),
                Does.Contain("demo.json").And.No.Member("somebodys.json")
            );
            Assert.That(File.ReadAllText(Path.Combine(folder, "demo.json")), Is.EqualTo("{}"));
        }
        finally
        {
            Directory.Delete(models, recursive: true);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Ours_AreWhatTheRepositoryHolds() =>
        Assert.That(
            Directory.GetFileSystemEntries(TestModels.Ours).Select(Path.GetFileName),
            Is.EquivalentTo(["demo", "demo.json", "demo-motion", "demo-upscaler", "demo-upscaler.json"])
        );

    [Test]
    public void Sources_OfTests_NameTheFolderOfModelsInOnePlace()
    {
        string tests = Path.GetDirectoryName(Path.GetDirectoryName(Here()))!;
        string[] places =
        [
            .. Directory
                .EnumerateFiles(tests, "*.cs", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) is not ("TestModels.cs" or "TestModelsTests.cs"))
                .Where(file => File.ReadAllText(file).Contains("Clone.Current.Models", StringComparison.Ordinal)),
        ];
        Assert.That(places, Is.Empty, "use TestModels.Ours or TestModels.Embedded");
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
