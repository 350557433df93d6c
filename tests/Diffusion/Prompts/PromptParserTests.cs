namespace Generation.Diffusion.Tests.Prompts;

[TestFixture]
public sealed class PromptParserTests
{
    // The first six are the examples in the web UI's own documentation of parse_prompt_attention
    [TestCase("normal text", "normal text*1")]
    [TestCase("an (important) word", "an *1|important*1.1| word*1")]
    [TestCase("(unbalanced", "unbalanced*1.1")]
    [TestCase("\\(literal\\]", "(literal]*1")]
    [TestCase("(unnecessary)(parens)", "unnecessaryparens*1.1")]
    [TestCase(
        "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
        "a *1|house*1.573| *1.1|on*1| a *1.1|hill*0.55|, sun, *1.1|sky*1.4641|.*1.1"
    )]
    [TestCase("[[x]]", "x*0.8264")]
    [TestCase("(a:-1.5)", "a*-1.5")]
    [TestCase("(a: +.5 )", "a*0.5")]
    [TestCase("((a:2):3)", "a*6")]
    [TestCase("(a [b:2])", "a *1.1|b:2*1")]
    [TestCase("a) b] c", "a) b] c*1")]
    [TestCase("a:1.2) b", "a:1.2) b*1")]
    [TestCase("time 12:30, ratio (16:9 wide)", "time 12:30, ratio *1|16:9 wide*1.1")]
    [TestCase("(a:1.2.3)", "a:1.2.3*1.1")]
    [TestCase("(a:)", "a:*1.1")]
    [TestCase("(a:1e3)", "a:1e3*1.1")]
    [TestCase("a\\b\\\\c", "ab\\c*1")]
    [TestCase("back\\", "back*1")]
    [TestCase("()", "")]
    [TestCase("", "")]
    public void Parse_OneSection_GivesPartsAndWeights(string prompt, string expected)
    {
        string[] wanted = [.. expected.Split('|').Where(part => part.Length > 0)];
        IReadOnlyList<IReadOnlyList<PromptPart>> sections = PromptParser.Parse(prompt);
        Assert.That(sections, Has.Count.EqualTo(1));
        Assert.That(sections[0].Select(part => $"{part.Text}*{Math.Round(part.Weight, 4)}"), Is.EqualTo(wanted));
    }

    [TestCase("a cat BREAK a dog", "a cat|a dog")]
    [TestCase("a cat\nBREAK\na dog", "a cat|a dog")]
    [TestCase("BREAK a", "|a")]
    [TestCase("a BREAK", "a|")]
    [TestCase("a BREAK BREAK b", "a||b")]
    [TestCase("a BREAKfast, OUTBREAK, BREAK_, break", "a BREAKfast, OUTBREAK, BREAK_, break")]
    [TestCase("(a BREAK b)", "a|b")]
    public void Parse_Break_PartsSections(string prompt, string expected) =>
        Assert.That(
            PromptParser.Parse(prompt).Select(section => string.Concat(section.Select(part => part.Text))),
            Is.EqualTo(expected.Split('|'))
        );

    [TestCase("(a:101)", "101")]
    [TestCase("((a:20):-20)", "-400")]
    [TestCase("(a:99999999999999999999)", "1E+20")]
    public void Parse_WeightBeyondLimit_SaysSoWithoutThePrompt(string prompt, string figure) =>
        Assert.That(
            () => PromptParser.Parse("secret " + prompt),
            Throws.TypeOf<PromptException>().With.Message.Contains(figure).And.Message.Contains("100").And.Message.Not.Contains("secret")
        );

    [Test]
    public void Parse_DeepBrackets_AreRefused() =>
        Assert.That(
            () => PromptParser.Parse(new string('[', 101)),
            Throws.TypeOf<PromptException>().With.Message.Contains("character 101")
        );

    [TestCase("[x")]
    [TestCase("[x]")]
    [TestCase("BREAK")]
    [TestCase("(:")]
    [TestCase("\\")]
    [TestCase(": 1")]
    public void Parse_HostileRepetition_EndsSoon(string unit)
    {
        // What is refused is refused early, the rest takes less than a second; quadratic work would take hours
        string prompt = string.Concat(Enumerable.Repeat(unit, 2_000_000 / unit.Length));
        Assert.That(Task.Run(() => Parse(prompt)).Wait(TimeSpan.FromMinutes(3)));

        static void Parse(string prompt)
        {
            try
            {
                PromptParser.Parse(prompt);
            }
            catch (PromptException)
            {
                // A refusal is an answer, too
            }
        }
    }
}
