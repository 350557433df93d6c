namespace Generation.Diffusion.Tests.Checkpoints;

public sealed class PythonJsonTests
{
    [TestCase("""{"a": -Infinity}""", double.NegativeInfinity)]
    [TestCase("""{"a":Infinity}""", double.PositiveInfinity)]
    [TestCase("""{"b": "\"-Infinity", "a": NaN}""", double.NaN)]
    [TestCase("""{"a": 1e-3, "b": "NaN \\"}""", 1e-3)]
    public void Parse_BareWords_AreNumbers(string text, double expected)
    {
        Assert.That(PythonJson.Number(PythonJson.Parse(text).GetProperty("a")), Is.EqualTo(expected));
    }

    [Test]
    public void Parse_WordsInsideStrings_StayAsTheyAre() =>
        Assert.That(
            PythonJson.Parse("""{"a": "to Infinity, \"NaN\"", "b": NaN}""").GetProperty("a").GetString(),
            Is.EqualTo("to Infinity, \"NaN\"")
        );
}
