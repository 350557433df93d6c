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
    [TestCase("Generation.Tokenizers")]
    [TestCase("Generation.Storage")]
    public void Folders_OfAProject_AreFreeOfCycles(string project)
    {
        string[] cycles = CyclesIn(project);

        Assert.That(cycles, Is.Empty, string.Join(Environment.NewLine, cycles));
    }

    /// <summary>
    /// The families' registry and their folders know each other, so that here the folders of the first level are compared.
    /// </summary>
    [Test]
    public void FoldersOfTheFirstLevel_OfDiffusion_AreFreeOfCycles()
    {
        const string project = "Generation.Diffusion";
        ArchUnitNET.Domain.Architecture architecture = new ArchLoader().LoadAssemblies(Assembly.Load(project)).Build();
        (string From, string To)[] edges =
        [
            .. architecture
                .Types.SelectMany(type => type.Dependencies.Select(dependency => (FolderOf(type), FolderOf(dependency.Target))))
                .Where(edge => edge.Item1 is not null && edge.Item2 is not null && edge.Item1 != edge.Item2)
                .Distinct()!,
        ];
        Assert.That(edges, Is.Not.Empty);
        // What knows nothing that is left is in no cycle
        for (int count = -1; count != edges.Length; )
        {
            count = edges.Length;
            edges = [.. edges.Where(edge => edges.Any(next => next.From == edge.To))];
        }

        Assert.That(edges.Select(edge => $"{edge.From} -> {edge.To}"), Is.Empty);

        static string? FolderOf(ArchUnitNET.Domain.IType type) =>
            type.Namespace?.FullName.StartsWith(project + ".", StringComparison.Ordinal) == true
                ? type.Namespace.FullName[(project.Length + 1)..].Split('.')[0]
                : null;
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
