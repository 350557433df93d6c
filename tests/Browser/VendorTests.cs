using System.Security.Cryptography;
using Generation.Hosting;

namespace Generation.Browser.Tests;

/// <summary>The libraries that travel with the page.</summary>
public sealed class VendorTests
{
    [Test]
    public void Libraries_AreAsTheyWerePublished()
    {
        string folder = Path.Combine(Clone.Current.Root, "api", "Web", "App", "vendor");
        string[] known = File.ReadAllLines(Path.Combine(folder, "checksums.txt"));
        IEnumerable<string> files = Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetDirectoryName(path) != folder)
            .Select(path => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))}  {Path.GetRelativePath(folder, path)}");

        Assert.That(files, Is.EquivalentTo(known), "node api/Web/App/vendor/check.mjs tells more");
    }
}
