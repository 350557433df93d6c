using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion;
using Generation.Worker.Models;

namespace Generation.Tests.Service;

/// <summary>Models are checked, tried and written into the catalogue.</summary>
public sealed class ModelAdditionTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("models-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("sd15", "sd15", JobKind.Text2Img)]
    [TestCase("sd15_layout/one_file.safetensors", "sd15", JobKind.Text2Img)]
    [TestCase("sdxl", "sdxl", JobKind.Text2Img)]
    [TestCase("sdxl_refiner", "sdxl-refiner", JobKind.Img2Img)]
    [TestCase("sd15_inpaint9", "sd15", JobKind.Inpaint)]
    [TestCase("instruct_pix2pix", "sd15", JobKind.Edit)]
    [TestCase("x4_upscaler", "x4-upscaler", JobKind.SuperResolution)]
    [TestCase("flux_schnell", "flux", JobKind.Text2Img)]
    [TestCase("flux_fill", "flux", JobKind.Inpaint)]
    public void Add_ModelOfEachFamily_WritesItsEntry(string model, string family, JobKind first)
    {
        string file = ModelAddition.Add(Path.Combine(Models, model), "tried", _folder, TextWriter.Null);
        ModelEntry entry = JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options)!;
        Assert.Multiple(() =>
        {
            Assert.That(entry.Name, Is.EqualTo("tried"));
            Assert.That(entry.Family, Is.EqualTo(family));
            Assert.That(entry.Kinds[0], Is.EqualTo(first));
            Assert.That(Path.GetFullPath(entry.Path, _folder), Is.EqualTo(Path.Combine(Models, model)));
            Assert.That(entry.NativeWidth, Is.Positive);
            Assert.That(entry.NativeMinSide, Is.InRange(1, entry.NativeMaxSide));
        });
    }

    [Test]
    public void Add_PickledFile_IsRefusedByItsContent()
    {
        string path = Path.Combine(_folder, "model.safetensors");
        File.WriteAllBytes(path, [0x80, 0x02, .. new byte[100]]);
        var errors = new StringWriter();
        Assert.That(ModelAddition.Run([path, "pickled", _folder], TextWriter.Null, errors), Is.EqualTo(1));
        Assert.That(errors.ToString(), Does.Contain("ickled"));
        Assert.That(File.Exists(Path.Combine(_folder, "pickled.json")), Is.False);
    }

    [Test]
    public void Add_NameThatIsTaken_IsRefusedAndTheEntryStays()
    {
        string taken = Path.Combine(_folder, "demo.json");
        File.WriteAllText(taken, "kept");
        Assert.Throws<WeightsException>(() => ModelAddition.Add(Path.Combine(Models, "sd15"), "demo", _folder, TextWriter.Null));
        Assert.That(File.ReadAllText(taken), Is.EqualTo("kept"));
    }

    private static string Models
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Generation.sln")))
            {
                folder = folder.Parent;
            }

            return Path.Combine(folder!.FullName, "tests", "Goldens", "models");
        }
    }
}
