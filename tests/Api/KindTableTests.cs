using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>The table of kinds: every kind has all that the API needs of it, and what it has is true.</summary>
public sealed class KindTableTests
{
    private static readonly JobKind[] Kinds = Enum.GetValues<JobKind>();

    private ApiScope _api = null!;
    private string _upload = "";

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        await KindModels.RegisterAsync(_api);
        using var picture = new ByteArrayContent(KindModels.Png(64, 64));
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", picture);
        _upload = (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("id").GetString()!;
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public void Table_HasEveryKindOnce()
    {
        Assert.That(KindTable.All.Select(kind => kind.Kind), Is.EqualTo(Kinds));
        Assert.That(KindTable.All.Select(kind => kind.Route), Is.Unique);
        Assert.That(KindTable.All.Select(kind => kind.BodyType), Is.Unique);
        foreach (KindDefinition kind in KindTable.All)
        {
            Assert.That(KindTable.Of(kind.Kind), Is.SameAs(kind));
            Assert.That(KindTable.Of(kind.NewBody()), Is.SameAs(kind));
            Assert.That(KindTable.Find(kind.Name), Is.SameAs(kind));
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Example_OfEveryKind_PassesItsChecks(JobKind kind)
    {
        KindDefinition definition = KindTable.Of(kind);

        using HttpResponseMessage answer = await PostAsync(definition, definition.Example.Replace(KindDefinition.ExampleUpload, _upload));

        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        JobDocument job = await ApiScope.ReadAsync<JobDocument>(answer);
        Assert.That((job.Kind, job.Request!.Kind), Is.EqualTo((kind, kind)));
        Assert.That(job.Cost.Held, Is.GreaterThan(Credits.Zero));
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Example_OfEveryKind_HasTheRequiredFieldsAndFailsWithoutThem(JobKind kind)
    {
        KindDefinition definition = KindTable.Of(kind);
        JsonObject example = JsonNode.Parse(definition.Example.Replace(KindDefinition.ExampleUpload, _upload))!.AsObject();
        foreach (string field in definition.RequiredFields)
        {
            JsonObject without = example.DeepClone().AsObject();
            Assert.That(without.Remove(field), $"the example has {field}");

            using HttpResponseMessage answer = await PostAsync(definition, without.ToJsonString());

            JsonElement problem = await ApiScope.ReadAsync<JsonElement>(answer);
            Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToString());
            Assert.That(problem.GetProperty("errors").TryGetProperty(field, out _), problem.ToString());
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Description_OfEveryKind_HasItsRouteWithItsFieldsAndExample(JobKind kind)
    {
        KindDefinition definition = KindTable.Of(kind);
        JsonElement description = JsonSerializer.Deserialize<JsonElement>(await _api.Client.GetStringAsync("/openapi/v1.json"));

        Assert.That(description.GetProperty("paths").TryGetProperty(definition.Route, out JsonElement path), definition.Route);
        JsonElement post = path.GetProperty("post");
        JsonElement content = post.GetProperty("requestBody").GetProperty("content");
        JsonElement schema = description.GetProperty("components").GetProperty("schemas").GetProperty(definition.BodyType.Name);
        string[] required = schema.TryGetProperty("required", out JsonElement names)
            ? [.. names.EnumerateArray().Select(name => name.GetString()!)]
            : [];
        Assert.That(post.GetProperty("summary").GetString(), Is.EqualTo(definition.Summary));
        Assert.That(
            JsonNode.DeepEquals(
                JsonNode.Parse(content.GetProperty("application/json").GetProperty("example").GetRawText()),
                JsonNode.Parse(definition.Example)
            ),
            content.ToString()
        );
        Assert.That(content.TryGetProperty("multipart/form-data", out _), Is.EqualTo(definition.TakesPictures));
        Assert.That(required, Is.EquivalentTo(definition.RequiredFields));
        Assert.That(schema.GetProperty("properties").EnumerateObject().Select(p => p.Name), Is.SupersetOf(definition.RequiredFields));
    }

    [Test]
    public void TakesPictures_OfEveryKindWhoseBodyHasAPicture() =>
        Assert.That(KindTable.All.Where(kind => !kind.TakesPictures).Select(kind => kind.Kind), Is.EqualTo(new[] { JobKind.Text2Img }));

    private async Task<HttpResponseMessage> PostAsync(KindDefinition kind, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await _api.Client.PostAsync(kind.Route, content);
    }
}
