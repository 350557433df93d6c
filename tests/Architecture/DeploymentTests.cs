using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Generation.Hosting;

namespace Generation.Architecture.Tests;

/// <summary>What is deployed is what stands written in one place.</summary>
public sealed partial class DeploymentTests
{
    private const string Images = "deploy/docker/images";
    private static readonly string[] s_files =
    [
        Images,
        "deploy/docker/pin-images",
        "deploy/docker/api.Dockerfile",
        "deploy/docker/worker.Dockerfile",
        "docker-compose.yml",
        ".devcontainer/devcontainer.json",
    ];

    private string _folder = "";

    [SetUp]
    public void CopyFiles()
    {
        _folder = Directory.CreateTempSubdirectory("deployment-").FullName;
        foreach (string file in s_files)
        {
            string copy = Path.Combine(_folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(Clone.Current.Root, file), copy);
        }
    }

    [TearDown]
    public void DeleteFiles() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Images_InAllBuildFiles_AreThoseOfTheList()
    {
        Run("deploy/docker/pin-images", "--offline");

        foreach (string file in s_files)
        {
            Assert.That(Read(file), Is.EqualTo(File.ReadAllText(Path.Combine(Clone.Current.Root, file))), $"run {s_files[1]} --offline");
        }

        string[] listed =
        [
            .. File.ReadLines(Path.Combine(_folder, Images)).Where(line => !line.StartsWith('#')).Select(line => line.Split(' ')[0]),
        ];
        string[] used =
        [
            .. s_files.Skip(2).SelectMany(file => Image().Matches(Read(file)).Select(match => match.Groups["name"].Value)).Distinct(),
        ];
        Assert.That(used, Is.EquivalentTo(listed), "each image of a build file is in the list, and none besides");
    }

    [Test]
    public void PinImages_WhereRegistriesAnswer_WritesTheDigestsEverywhere()
    {
        // Stands for docker, which asks the registries: each image has the digest of its name's first letter
        string docker = Path.Combine(_folder, "docker");
        File.WriteAllText(docker, "#!/bin/bash\nprintf 'sha256:'; printf '%s' \"$4\" | sha256sum | cut -d ' ' -f 1\n");
        File.SetUnixFileMode(docker, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Run("deploy/docker/pin-images");

        string[] lines = [.. File.ReadLines(Path.Combine(_folder, Images)).Where(line => !line.StartsWith('#'))];
        Assert.That(lines, Is.All.Match("^[a-z./]+ +[^ ]+ +sha256:[0-9a-f]{64}$"));
        foreach (string file in s_files.Skip(2))
        {
            string[] images = [.. Image().Matches(Read(file)).Select(match => match.Value)];
            Assert.That(images, Is.Not.Empty.And.All.Match("@sha256:[0-9a-f]{64}$"), file);
        }

        string before = Read("docker-compose.yml");
        Run("deploy/docker/pin-images");
        Assert.That(Read("docker-compose.yml"), Is.EqualTo(before), "and once more changes nothing");
    }

    [Test]
    public void Containers_AllOfThem_AreConfinedAndNotRoot()
    {
        string[] services = Service().Split(Read("docker-compose.yml").Split("\nservices:\n")[1].Split("\nvolumes:\n")[0])[1..];
        Assert.That(services, Has.Length.GreaterThan(7));
        foreach (string service in services)
        {
            Assert.That(service, Does.Contain("<<: *confined").And.Contain("mem_limit:"), service);
            // Ours say it in their Dockerfiles; one that gives a new volume away is root, and may do that alone
            bool isOurs = service.Contains("image: generation-", StringComparison.Ordinal);
            bool givesAway = service.Contains("entrypoint: [\"chown\"", StringComparison.Ordinal);
            Assert.That(isOurs || givesAway || service.Contains("\n    user: ", StringComparison.Ordinal), service);
            Assert.That(givesAway, Is.EqualTo(service.Contains("cap_add: [CHOWN]", StringComparison.Ordinal)), service);
            Assert.That(service, Does.Not.Match("cap_add: .*,|privileged"), service);
        }

        Assert.That(Read("deploy/docker/api.Dockerfile"), Does.Contain("\nUSER app\n"));
        Assert.That(Read("deploy/docker/worker.Dockerfile"), Does.Contain("\nUSER app\n"));
    }

    /// <summary>A package in another version than was asked for, which no lock file may come to name, is an error (NU1603).</summary>
    [Test, CancelAfter(300_000)]
    public void Restore_OfAPackageThatIsNotPublishedAsAskedFor_Fails()
    {
        // A folder with the one version of a package that this build has
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } given
            ? given
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string version = XDocument
            .Load(Path.Combine(Clone.Current.Root, "Directory.Packages.props"))
            .Descendants("PackageVersion")
            .Single(package => (string?)package.Attribute("Include") == "System.IO.Hashing")
            .Attribute("Version")!
            .Value;
        string name = $"system.io.hashing.{version}.nupkg";
        File.Copy(Path.Combine(packages, "system.io.hashing", version, name), Path.Combine(_folder, name));
        string project = $"""
            <Project>
              <Import Project="{Clone.Current.Root}/Directory.Build.props" />
              <Import Project="Sdk.props" Sdk="Microsoft.NET.Sdk" />
              <PropertyGroup>
                <ArtifactsPath>{_folder}/artifacts</ArtifactsPath>
                <ManagePackageVersionsCentrally>false</ManagePackageVersionsCentrally>
                <RestorePackagesWithLockFile>false</RestorePackagesWithLockFile>
                <RestoreSources>{_folder}</RestoreSources>
                <RestorePackagesPath>{_folder}/packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Remove="@(PackageReference)" />
                <PackageReference Include="System.IO.Hashing" Version="VERSION" />
              </ItemGroup>
              <Import Project="Sdk.targets" Sdk="Microsoft.NET.Sdk" />
            </Project>
            """;
        string path = Path.Combine(_folder, "trial.csproj");

        File.WriteAllText(path, project.Replace("VERSION", version, StringComparison.Ordinal));
        Run(DotnetHost.Path, "restore", path);

        File.WriteAllText(path, project.Replace("VERSION", "0.0.1", StringComparison.Ordinal));
        (int code, string said) = Ended(DotnetHost.Path, "restore", path);
        Assert.That(code, Is.Not.Zero);
        Assert.That(said, Does.Contain("error NU1603"));
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(_folder, file));

    private void Run(string program, params string[] arguments)
    {
        (int code, string said) = Ended(program, arguments);
        Assert.That(code, Is.Zero, said);
    }

    private (int Code, string Said) Ended(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program == DotnetHost.Path ? program : Path.Combine(_folder, program), arguments)
        {
            WorkingDirectory = _folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return (process.ExitCode, said);
    }

    [GeneratedRegex(
        """(?<=image: |FROM |"image": ")(?!generation-)(?<name>[a-z./]+):[A-Za-z0-9._-]+(@sha256:[0-9a-f]{64})?""",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Image();

    [GeneratedRegex("^  [a-z0-9-]+:$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Service();
}
