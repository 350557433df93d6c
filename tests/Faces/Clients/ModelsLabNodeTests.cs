using System.Text.Json;

namespace Generation.Faces.Tests.Clients;

/// <summary>ModelsLab's library for JavaScript against a real stack.</summary>
[TestFixture]
public sealed class ModelsLabNodeTests
{
    /// <summary>
    /// Makes the library's calls; those of the library itself where MODELSLAB_SDK names its main file, of `npm install
    /// modelslab@1.4.0` where the registry has it, or of a build of its source: .../node_modules/modelslab/dist/client.js.
    /// </summary>
    [Test, CancelAfter(480_000)]
    public async Task Script_OfTheLibrarysCalls_Works()
    {
        string library = Environment.GetEnvironmentVariable("MODELSLAB_SDK") ?? "";
        Assert.That(library, Is.Empty.Or.Exist, "MODELSLAB_SDK must name the library's main file");
        FaceApi api = (await FaceStack.GetAsync()).Api;
        JsonElement seen = await NodeClient.RunAsync(
            "modelslab.mjs",
            ("MODELSLAB_SDK", library),
            ("MODELSLAB_URL", api.Address.ToString().TrimEnd('/')),
            ("MODELSLAB_KEY", (await api.NewUserAsync()).Key)
        );
        JsonElement first = seen.GetProperty("first");
        Assert.That((first.GetProperty("status").GetString(), first.GetProperty("outputs").GetInt32()), Is.EqualTo(("success", 1)));
        Assert.That(
            (first.GetProperty("id").ValueKind, first.GetProperty("seed").ValueKind),
            Is.EqualTo((JsonValueKind.Number, JsonValueKind.Number))
        );
        Assert.That(seen.GetProperty("type").GetString(), Is.EqualTo("image/png"));
        foreach (
            string name in (string[])["fetched", "image", "inpaint", "enlarged", "outpainted", "realtime", "video", "details", "cleared"]
        )
        {
            Assert.That(seen.GetProperty(name).GetString(), Is.EqualTo("success"), name);
        }

        Assert.That(seen.GetProperty("no_prompt").GetString(), Is.EqualTo("prompt is required"));
        Assert.That(seen.GetProperty("no_key").GetString(), Is.EqualTo("Invalid API key"));
    }
}
