using System.Reflection;
using ArchUnitNET.Fluent.Slices;
using ArchUnitNET.Loader;

namespace Generation.Architecture.Tests;

/// <summary>Dependencies between the folders of a project point one way. A folder is a namespace.</summary>
public sealed class FolderCycleTests
{
    [TestCase("Generation.Api")]
    [TestCase("Generation.Imaging")]
    [TestCase("Generation.Kernels")]
    [TestCase("Generation.Service")]
    [TestCase("Generation.Torch")]
    [TestCase("Generation.Contracts")]
    [TestCase("Generation.Diagnostics")]
    [TestCase("Generation.Hosting")]
    [TestCase("Generation.Planning")]
    [TestCase("Generation.Schedules")]
    [TestCase("Generation.Storage")]
    public void Folders_OfAProject_AreFreeOfCycles(string project)
    {
        string[] cycles = CyclesIn(project);

        Assert.That(cycles, Is.Empty, string.Join(Environment.NewLine, cycles));
    }

    [Test]
    public void TwoFolders_ThatKnowEachOther_AreReportedWithTheirTypes()
    {
        string cycle = CyclesIn("Generation.Architecture.Tests").Single();

        Assert.That(cycle, Does.Contain(typeof(Cycle.First.Hen).FullName).And.Contain(typeof(Cycle.Second.Egg).FullName));
    }

    /// <summary>The cycles between the folders of a project, each with the types whose dependencies make it.</summary>
    private static string[] CyclesIn(string project)
    {
        ArchUnitNET.Domain.Architecture architecture = new ArchLoader().LoadAssemblies(Assembly.Load(project)).Build();
        return
        [
            .. SliceRuleDefinition
                .Slices()
                .Matching("Generation.(**)")
                .Should()
                .BeFreeOfCycles()
                .Evaluate(architecture)
                .Where(result => !result.Passed)
                .Select(result => result.Description),
        ];
    }
}
