using System.Reflection;
using System.Text.Json.Serialization;

namespace Generation.Contracts.Tests;

/// <summary>Rules about words look at a request's Prompts: none of its words may be missing there, whatever the kind.</summary>
public sealed class PromptsTests
{
    private static IEnumerable<Type> Kinds =>
        typeof(JobRequest).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(JobRequest)) && !type.IsAbstract);

    [TestCaseSource(nameof(Kinds))]
    public void Prompts_OfEveryKind_AreAllItsWordsForWhatIsToBeSeen(Type kind)
    {
        var request = (JobRequest)Activator.CreateInstance(kind)!;
        PropertyInfo[] words =
        [
            .. kind.GetProperties()
                .Where(property =>
                    property.PropertyType == typeof(string)
                    && property.Name.Contains("Prompt", StringComparison.Ordinal)
                    && property.Name != "NegativePrompt"
                ),
        ];
        foreach (PropertyInfo property in words)
        {
            property.SetValue(request, $"words of {property.Name}");
        }

        Assert.That(words, Is.Not.Empty);
        Assert.That(
            request.Prompts,
            Is.EquivalentTo(
                words.Select(property => new PromptText(
                    WireJson.Options.PropertyNamingPolicy!.ConvertName(property.Name),
                    $"words of {property.Name}"
                ))
            )
        );
    }

    [Test]
    public void Kinds_OfTheWire_AreAllOfThemUnderTheirNames() =>
        Assert.That(
            typeof(JobRequest)
                .GetCustomAttributes<JsonDerivedTypeAttribute>()
                .Select(known => (known.DerivedType, known.TypeDiscriminator)),
            Is.EquivalentTo(Kinds.Select(kind => (kind, (object?)((JobRequest)Activator.CreateInstance(kind)!).Kind.WireName())))
        );

    [Test]
    public void Kinds_OfRequests_AreAllKindsOfJobs() =>
        Assert.That(Kinds.Select(kind => ((JobRequest)Activator.CreateInstance(kind)!).Kind), Is.EquivalentTo(Enum.GetValues<JobKind>()));
}
