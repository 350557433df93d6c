using Generation.Api.Faces.A1111;
using Generation.Api.Faces.Shared;
using Generation.Contracts;
using Generation.Schedules;
using Microsoft.Extensions.Configuration;

namespace Generation.Faces.Tests.A1111;

/// <summary>Samplers, schedules and texts of pictures, by the table alone.</summary>
public sealed class A1111NamesTests
{
    private static readonly A1111Table Table = FaceTable.Read<A1111Table>("A1111", new ConfigurationBuilder().Build());

    private static readonly SchedulerEntry[] Known = [.. SchedulerNames.All.Select(s => new SchedulerEntry(s.Name, s.Description))];

    [TestCase("Euler a", null, "euler_a", "Automatic")]
    [TestCase("k_euler_a", null, "euler_a", "Automatic")]
    [TestCase("euler A", "Automatic", "euler_a", "Automatic")]
    [TestCase("DPM++ 2M", "karras", "dpmpp_2m_karras", "Karras")]
    [TestCase("DPM++ 2M", "Karras", "dpmpp_2m_karras", "Karras")]
    [TestCase("DPM++ 2M Karras", null, "dpmpp_2m_karras", "Karras")]
    [TestCase("DPM++ 2M Karras", "automatic", "dpmpp_2m_karras", "Karras")]
    [TestCase("DPM++ 2M", null, "dpmpp_2m_karras", "Automatic")]
    [TestCase("DPM++ 2M", "uniform", "dpmpp_2m", "Uniform")]
    [TestCase("DPM++ 2M SDE Heun Exponential", null, "dpmpp_2m_sde_heun_exponential", "Exponential")]
    [TestCase("DPM++ 2M SDE", "automatic", "dpmpp_2m_sde_exponential", "Automatic")]
    [TestCase("Euler", "beta", "euler_beta", "Beta")]
    [TestCase("dpmpp_3m_sde_karras", null, "dpmpp_3m_sde_karras", "Automatic")]
    [TestCase("UniPC", "karras", "unipc_karras", "Karras")]
    [TestCase(null, null, "euler", "Automatic")]
    public void Sampling_OfANameAndASchedule_IsTheNativeScheduler(string? name, string? schedule, string native, string label)
    {
        A1111Sampling sampling = A1111Names.Sampling(name, schedule, Table, Known);

        Assert.That((sampling.Scheduler, sampling.Schedule), Is.EqualTo((native, label)));
        Assert.That(sampling.Warnings, Is.Empty);
    }

    [TestCase("DPM++ SDE Karras", null, "dpmpp_2s_karras", "sampler_name: DPM++ SDE")]
    [TestCase("Restart", null, "heun_karras", "sampler_name: Restart")]
    [TestCase("Euler", "sgm_uniform", "euler", "scheduler: SGM Uniform")]
    [TestCase("DDIM", "karras", "ddim", "scheduler: Karras")]
    [TestCase("Euler", "no such", "euler", "scheduler: there is no 'no such'")]
    public void Sampling_ThatIsNotDone_IsToldWithWhatIs(string name, string? schedule, string native, string warning)
    {
        A1111Sampling sampling = A1111Names.Sampling(name, schedule, Table, Known);

        Assert.That(sampling.Scheduler, Is.EqualTo(native));
        Assert.That(sampling.Warnings.Single(), Does.StartWith(warning));
    }

    [Test]
    public void Table_EverySampler_IsThere()
    {
        foreach ((string name, A1111Sampler sampler) in Table.Samplers)
        {
            Assert.That(Known.Select(k => k.Name), Does.Contain(sampler.Native), name);
            Assert.That(A1111Names.Sampling(name, null, Table, Known).Sampler, Is.EqualTo(name));
            Assert.That(
                sampler.Automatic.Length == 0 || Known.Any(k => k.Name == sampler.Native + Table.Schedules[sampler.Automatic].Suffix),
                Is.True,
                name
            );
        }
    }

    [Test]
    public void SamplerOf_EveryNativeName_LeadsBackToIt()
    {
        foreach (SchedulerEntry entry in Known)
        {
            (string sampler, string schedule) = A1111Names.SamplerOf(entry.Name, Table);
            string explicitly = schedule == "Automatic" ? "uniform" : schedule;
            Assert.That(A1111Names.Sampling(sampler, explicitly, Table, Known).Scheduler, Is.EqualTo(entry.Name));
        }
    }

    [TestCase("words alone", "words alone", "")]
    [TestCase("a\nNegative prompt: b\nStill b", "a", "b\nStill b")]
    [TestCase("a: b, c: d", "a: b, c: d", "")]
    [TestCase("Negative prompt: b\nSteps: 1, Sampler: X, Seed: 2", "", "b")]
    [TestCase("", "", "")]
    public void Infotext_AnyText_HasItsPrompts(string text, string prompt, string negative)
    {
        IReadOnlyDictionary<string, string> values = Infotext.Parse(text);

        Assert.That((values["Prompt"], values["Negative prompt"]), Is.EqualTo((prompt, negative)));
    }

    [Test]
    public void Infotext_QuotedValues_AreRead()
    {
        IReadOnlyDictionary<string, string> values = Infotext.Parse(
            """a""" + "\n" + """Steps: 1, Model: "a, \"b\": c", Size: 12x34, Odd: "half, VAE: x.pt"""
        );

        Assert.That(values["Model"], Is.EqualTo("a, \"b\": c"));
        Assert.That((values["Size-1"], values["Size-2"]), Is.EqualTo(("12", "34")));
        Assert.That((values["Odd"], values["VAE"]), Is.EqualTo(("\"half", "x.pt")));
    }

    [Test]
    public void PictureTexts_AnyDamage_IsNoFault()
    {
        byte[] file = Generation.Imaging.Codecs.PictureCodec.Encode(
            new Generation.Imaging.Picture(8, 8, 3),
            Generation.Imaging.Codecs.PictureFormat.Jpeg,
            parameters: "a\nSteps: 1, Sampler: Euler, Seed: 1"
        );
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = [.. file];
            for (int k = 0; k <= i % 8; k++)
            {
                damaged[random.Next(Math.Min(damaged.Length, 400))] = (byte)random.Next(256);
            }

            Assert.That(() => PictureTexts.Read(damaged.AsSpan(0, random.Next(damaged.Length))), Throws.Nothing);
        }

        Assert.That(PictureTexts.Read(file)["parameters"], Does.StartWith("a\n"));
    }
}
