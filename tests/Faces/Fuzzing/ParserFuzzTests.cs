using Generation.Fuzzing;

namespace Generation.Faces.Tests.Fuzzing;

/// <summary>A million wrong inputs, shared between all readers of strangers' bytes: each is read or refused, in bounds.</summary>
public sealed class ParserFuzzTests
{
    private const long Inputs = 1_000_000;

    private Parsers _parsers = null!;

    [OneTimeSetUp]
    public void MakeParsers() => _parsers = new Parsers();

    [OneTimeTearDown]
    public void Clean() => _parsers.Dispose();

    private static IEnumerable<string> Names()
    {
        using var parsers = new Parsers();
        return [.. parsers.All.Select(parser => parser.Name)];
    }

    [TestCaseSource(nameof(Names))]
    public void Read_MutatedInputs_AreReadOrRefused(string name)
    {
        Parser parser = _parsers.All.Single(p => p.Name == name);
        // Right ones are read
        Assert.That(() => parser.Seeds.ToList().ForEach(seed => parser.Read([.. seed])), Throws.Nothing);

        FuzzReport report = ParserFuzzer.Run(parser, (Inputs + _parsers.All.Count - 1) / _parsers.All.Count, seed: 1);

        Assert.That(report.Faults, Is.Empty, report.ToString());
        Assert.That(report.Inputs - report.Refused, Is.Positive, "some are still right");
    }
}
