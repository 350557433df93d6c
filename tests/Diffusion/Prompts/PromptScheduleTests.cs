using System.Diagnostics;

namespace Generation.Diffusion.Tests.Prompts;

/// <summary>Prompts that change from step to step, as the web UI's own examples of ten steps have it.</summary>
public sealed class PromptScheduleTests
{
    [TestCase("test", "10:test")]
    [TestCase("a [b:3]", "3:a ", "10:a b")]
    [TestCase("a [b: 3 ]", "3:a ", "10:a b")]
    [TestCase("a [[[b]]:2]", "2:a ", "10:a [[b]]")]
    [TestCase("[(a:2):3]", "3:", "10:(a:2)")]
    [TestCase("a [b : c : 1] d", "1:a b  d", "10:a  c  d")]
    [TestCase("a[b:[c:d:2]:1]e", "1:abe", "2:ace", "10:ade")]
    [TestCase("a [unbalanced", "10:a [unbalanced")]
    [TestCase("a [b:.5] c", "5:a  c", "10:a b c")]
    [TestCase("((a][:b:c [d:3]", "3:((a][:b:c ", "10:((a][:b:c d")]
    [TestCase("[cat::0.3]", "3:cat", "10:")]
    [TestCase("a [cat:dog:0.25]", "2:a cat", "10:a dog")]
    [TestCase("[cat:dog:20]", "10:cat")]
    [TestCase("[cat:dog:0]", "10:dog")]
    [TestCase("[a|(b:1.1)]", "1:a", "2:(b:1.1)", "3:a", "4:(b:1.1)", "5:a", "6:(b:1.1)", "7:a", "8:(b:1.1)", "9:a", "10:(b:1.1)")]
    [TestCase("[fe|||]male", "1:female", "4:male", "5:female", "8:male", "9:female", "10:male")]
    [TestCase("weaker [words] and [a: b]", "10:weaker [words] and [a: b]")]
    [TestCase("[[a:b:5]]", "5:[a]", "10:[b]")]
    [TestCase(@"\[a:b:5\] and \[c|d\]", @"10:\[a:b:5\] and \[c|d\]")]
    [TestCase(@"[a\]:b:5]", @"5:a\]", "10:b")]
    [TestCase("[a:b:c:5]", "10:[a:b:c:5]")]
    [TestCase("[a:(b:5)]", "10:[a:(b:5)]")]
    public void Texts_OfTenSteps_AreThoseOfTheWebUi(string prompt, params string[] expected)
    {
        IReadOnlyList<string> texts = PromptSchedule.Texts(prompt, 10);
        string[] runs = [.. Enumerable.Range(0, 10).Where(k => k == 9 || texts[k] != texts[k + 1]).Select(k => $"{k + 1}:{texts[k]}")];
        Assert.That(runs, Is.EqualTo(expected));
    }

    [Test]
    public void Texts_MoreThanMayBe_AreRefusedWithTheLimit()
    {
        string prompt = string.Concat(new[] { 2, 3, 5, 7 }.Select(n => $"[{string.Join('|', Enumerable.Range(0, n))}] "));
        Assert.That(PromptSchedule.Texts(prompt, 64).Distinct(), Has.Exactly(64).Items);
        Assert.That(
            () => PromptSchedule.Texts(prompt, 65),
            Throws.TypeOf<PromptException>().With.Message.Contains($"more than {PromptSchedule.MaxTexts}")
        );
    }

    [TestCase("[")]
    [TestCase("[a:")]
    [TestCase("[a|")]
    [TestCase("[[a:b:1]:")]
    [TestCase("]")]
    [TestCase("(")]
    [TestCase("\\")]
    [TestCase("[x:0.5]")]
    [TestCase("[a|b]")]
    public void Texts_OfHostilePrompts_ComeWithLittleWork(string part)
    {
        string prompt = string.Concat(Enumerable.Repeat(part, 4000 / part.Length));
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        PromptSchedule.Texts(prompt, 150);
        PromptSchedule.Texts(prompt + new string(']', 2000), 150);
        Assert.That(
            Process.GetCurrentProcess().TotalProcessorTime - before,
            Is.LessThan(TimeSpan.FromSeconds(30)),
            "of all threads together"
        );
    }
}
