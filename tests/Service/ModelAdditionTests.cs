using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Diffusion.Weights;
using Generation.Service.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Service.Tests;

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
    [TestCase("svd", "svd", JobKind.Video)]
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

    [TestCase("rrdbnet_x4", 4)]
    [TestCase("rrdbnet_x4_old_keys", 4)]
    [TestCase("srvgg_x2", 2)]
    public void Add_EnlargingNetwork_WritesItsEntry(string network, int scale)
    {
        string file = ModelAddition.Add(
            Path.Combine(Models, "..", "modules", network, "model.safetensors"),
            "larger",
            _folder,
            TextWriter.Null
        );
        ModelEntry entry = JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options)!;
        Assert.Multiple(() =>
        {
            Assert.That(entry.Kinds, Is.EqualTo(new[] { JobKind.SuperResolution }));
            Assert.That(entry.Scale, Is.EqualTo(scale));
            Assert.That(entry.IsPlainUpscaler);
        });
    }

    [Test]
    public void Add_PartsOntoAModel_ExtendItsEntryAndKeepTheRest()
    {
        string file = ModelAddition.Add(Path.Combine(Models, "sd15"), "base", _folder, TextWriter.Null);
        JsonObject written = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        written["note"] = "of its owner";
        File.WriteAllText(file, written.ToJsonString());
        ModelAddition.Add(Path.Combine(Models, "controlnet"), "net", _folder, TextWriter.Null, "base", "canny");
        ModelAddition.Add(Path.Combine(Models, "motion_adapter"), "motion", _folder, TextWriter.Null, "base");
        ModelAddition.Add(Path.Combine(Models, "sd15", "vae"), "other", _folder, TextWriter.Null, "base");
        ModelEntry entry = JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options)!;
        Assert.Multiple(() =>
        {
            Assert.That((string?)JsonNode.Parse(File.ReadAllText(file))!["note"], Is.EqualTo("of its owner"));
            Assert.That(
                entry.Kinds,
                Is.EqualTo(
                    new[] { JobKind.Text2Img, JobKind.Img2Img, JobKind.Inpaint, JobKind.Outpaint, JobKind.ControlNet, JobKind.Video }
                )
            );
            Assert.That(entry.ControlNets.Select(net => (net.Name, net.Type)), Is.EqualTo(new[] { ("net", "canny") }));
            Assert.That(Path.GetFullPath(entry.ControlNets[0].Path, _folder), Is.EqualTo(Path.Combine(Models, "controlnet")));
            Assert.That(Path.GetFullPath(entry.MotionAdapter!, _folder), Is.EqualTo(Path.Combine(Models, "motion_adapter")));
            Assert.That(entry.Vaes.Select(vae => vae.Name), Is.EqualTo(new[] { "other" }));
        });
        Assert.That(
            () => ModelAddition.Add(Path.Combine(Models, "controlnet"), "again", _folder, TextWriter.Null, "base", "canny"),
            Throws.TypeOf<WeightsException>().With.Message.Contains("--type")
        );
    }

    [Test]
    public void Add_LoraAndEmbedding_AreCopiedToWhereTheWorkerLooks()
    {
        ModelAddition.Add(Path.Combine(Models, "lora", "kohya.safetensors"), "style", _folder, TextWriter.Null);
        string word = Path.Combine(_folder, "word.safetensors");
        using (DisposeScope scope = NewDisposeScope())
        {
            SafetensorsWriter.Write(word, [KeyValuePair.Create("emb_params", ones(2, 16))]);
        }

        ModelAddition.Add(word, "word", _folder, TextWriter.Null);
        Assert.Multiple(() =>
        {
            Assert.That(
                File.ReadAllBytes(Path.Combine(_folder, "loras", "style.safetensors")),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(Models, "lora", "kohya.safetensors")))
            );
            Assert.That(File.Exists(Path.Combine(_folder, "embeddings", "word.safetensors")));
            Assert.That(
                () => ModelAddition.Add(word, "word", _folder, TextWriter.Null),
                Throws.TypeOf<WeightsException>().With.Message.Contains("--name")
            );
        });
    }

    [Test]
    public void Add_Lora_SaysWhichModelTakesIt()
    {
        var said = new StringWriter();
        ModelAddition.Add(Path.Combine(Models, "lora", "kohya.safetensors"), "early", _folder, said);
        Assert.That(said.ToString(), Does.Contain("No such model is here yet"));
        ModelAddition.Add(Path.Combine(Models, "sd15"), "base", _folder, TextWriter.Null);
        said = new StringWriter();
        ModelAddition.Add(Path.Combine(Models, "lora", "diffusers.safetensors"), "style", _folder, said);
        Assert.That(said.ToString(), Does.Contain("base takes it").And.Contain("<lora:style:1>"));
    }

    [TestCase("unet.unet.{0}.lora_A.weight", "unet.unet.{0}.lora_B.weight")]
    [TestCase("base_model.model.{0}.lora_A.default_0.weight", "base_model.model.{0}.lora_B.default_0.weight")]
    [TestCase("{0}.processor.to_k_lora.down.weight", "{0}.processor.to_k_lora.up.weight")]
    public void Add_LoraOfAnyStyle_IsTried(string down, string up)
    {
        ModelAddition.Add(Path.Combine(Models, "sd15"), "base", _folder, TextWriter.Null);
        string layer =
            "mid_block.attentions.0.transformer_blocks.0.attn2" + (down.Contains("to_k", StringComparison.Ordinal) ? "" : ".to_k");
        string right = WriteLora(layer, down, up, rows: 0, columns: 0);
        var said = new StringWriter();
        ModelAddition.Add(right, "right", _folder, said);
        Assert.That(said.ToString(), Does.Contain("base takes it"));
        // The prompt's width is the model's, the layer's is not: the file alone does not tell
        string wrong = WriteLora(layer, down, up, rows: 1, columns: 0);
        Assert.That(
            () => ModelAddition.Add(wrong, "wrong", _folder, TextWriter.Null),
            Throws.TypeOf<WeightsException>().With.Message.Contains("fits no model here").And.Message.Contains("base: ")
        );
        Assert.That(File.Exists(Path.Combine(_folder, "loras", "wrong.safetensors")), Is.False);
    }

    [Test]
    public void Add_AdaptersWithValuesThatAreNoNumbers_AreRefused()
    {
        const string Key = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k";
        string lora = Path.Combine(_folder, "lora.safetensors");
        string word = Path.Combine(_folder, "word.safetensors");
        using (DisposeScope scope = NewDisposeScope())
        {
            SafetensorsWriter.Write(
                lora,
                [
                    KeyValuePair.Create(Key + ".lora_A.weight", full([2, 32], float.NaN)),
                    KeyValuePair.Create(Key + ".lora_B.weight", ones(32, 2)),
                ]
            );
            SafetensorsWriter.Write(word, [KeyValuePair.Create("emb_params", full([2, 16], float.PositiveInfinity))]);
        }

        foreach (string file in new[] { lora, word })
        {
            var errors = new StringWriter();
            Assert.That(ModelAddition.Run([file, "broken", _folder], TextWriter.Null, errors), Is.EqualTo(1));
            Assert.That(errors.ToString(), Does.Contain("no numbers"));
        }

        Assert.That(Directory.EnumerateFiles(_folder, "broken*", SearchOption.AllDirectories), Is.Empty);
    }

    [TestCase("controlnet", null, null, "--to MODEL")]
    [TestCase("motion_adapter", null, null, "--to MODEL")]
    [TestCase("controlnet", "nowhere", "canny", "no model nowhere")]
    [TestCase("sd15", "base", null, "Leave --to out")]
    [TestCase("lora/kohya.safetensors", null, "canny", "--type is for control networks")]
    [TestCase("sd15/unet", null, null, "Add the folder above it")]
    [TestCase("lora", null, null, "one file can be added at a time: diffusers.safetensors, kohya.safetensors")]
    [TestCase(".", null, null, "Add one of the models in it")]
    [TestCase("nothing", null, null, "there is no such file or folder")]
    public void Add_WhatCannotBeAddedSo_SaysWhatToDo(string path, string? to, string? type, string said)
    {
        var errors = new StringWriter();
        Assert.That(
            ModelAddition.Run([Path.Combine(Models, path), "tried", _folder, to ?? "", type ?? ""], TextWriter.Null, errors),
            Is.EqualTo(1)
        );
        Assert.That(errors.ToString(), Does.Contain(said));
        Assert.That(Directory.EnumerateFileSystemEntries(_folder), Is.Empty);
    }

    [Test]
    public void Add_ControlNetOfAnotherFamily_IsRefusedAndTheEntryStays()
    {
        string file = ModelAddition.Add(Path.Combine(Models, "sdxl"), "large", _folder, TextWriter.Null);
        string before = File.ReadAllText(file);
        Assert.That(
            () => ModelAddition.Add(Path.Combine(Models, "controlnet"), "canny", _folder, TextWriter.Null, "large"),
            Throws.TypeOf<WeightsException>().With.Message.Contains("another family")
        );
        Assert.That(File.ReadAllText(file), Is.EqualTo(before));
    }

    [Test]
    public void Add_FileThatEndsEarly_NamesItAndWritesNothing()
    {
        string path = Path.Combine(_folder, "short.safetensors");
        byte[] whole = File.ReadAllBytes(Path.Combine(Models, "sd15_layout", "one_file.safetensors"));
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        var errors = new StringWriter();
        Assert.That(ModelAddition.Run([path, "short", _folder], TextWriter.Null, errors), Is.EqualTo(1));
        Assert.That(errors.ToString(), Does.Contain(path).And.Contain("download"));
        Assert.That(Directory.EnumerateFiles(_folder, "*.json"), Is.Empty);
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

    /// <summary>A LoRA of the reference model's middle; rows and columns are added to what its layer has.</summary>
    private string WriteLora(string layer, string down, string up, long rows, long columns)
    {
        string path = Path.Combine(_folder, $"lora-{rows}.safetensors");
        using DisposeScope scope = NewDisposeScope();
        using var unet = WeightSource.Open(Path.Combine(Models, "sd15", "unet"));
        long[] shape = unet.Entry("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight").Shape;
        SafetensorsWriter.Write(
            path,
            [
                KeyValuePair.Create(down.Replace("{0}", layer, StringComparison.Ordinal), ones(2, shape[1] + columns)),
                KeyValuePair.Create(up.Replace("{0}", layer, StringComparison.Ordinal), ones(shape[0] + rows, 2)),
            ]
        );
        return path;
    }
}
