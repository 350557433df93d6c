using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>Models of which each takes some of the kinds and options.</summary>
internal static class KindModels
{
    /// <summary>The demo model as it is, and the reference data's models with entries of their own.</summary>
    public static void Write(TestModels models)
    {
        models.WriteDemo();
        models.WriteDemoUpscaler();
        models.WriteEdges("tiny", entry =>
            entry["vaes"] = new JsonArray(
                new JsonObject { ["name"] = "same", ["path"] = TestModels.Golden("models", "sd15", "vae") },
                new JsonObject { ["name"] = "other", ["path"] = TestModels.Golden("models", "instruct_pix2pix", "vae") }
            )
        );
        models.WriteSmall("edits", "instruct_pix2pix", "sd15", ["edit"]);
        models.WriteSmall("nine", "sd15_inpaint9", "sd15", ["inpaint", "outpaint"]);
        models.WriteSmall("flux", "flux_schnell", "flux", ["text2img", "img2img", "inpaint"], entry =>
            entry["default_scheduler"] = "flow_euler"
        );
        models.WriteSmall("xl", "sdxl", "sdxl", ["text2img"], entry => entry["refiner"] = "xl-refiner");
        models.WriteSmall("xl-refiner", "sdxl_refiner", "sdxl-refiner", ["img2img"]);

        Directory.CreateDirectory(Path.Combine(models.Folder, "loras"));
        File.Copy(TestModels.Golden("models", "lora", "diffusers.safetensors"), Path.Combine(models.Folder, "loras", "ink.safetensors"));
        File.Copy(TestModels.Golden("models", "lora", "kohya.safetensors"), Path.Combine(models.Folder, "loras", "pen.safetensors"));
        Directory.CreateDirectory(Path.Combine(models.Folder, "embeddings"));
        int width = (int)
            JsonNode.Parse(File.ReadAllText(TestModels.Golden("models", "sd15", "text_encoder", "config.json")))!["hidden_size"]!;
        foreach (string name in new[] { "vecone", "vectwo" })
        {
            File.WriteAllBytes(Path.Combine(models.Folder, "embeddings", name + ".safetensors"), Embedding(width));
        }
    }

    /// <summary>A safetensors file with one tensor, emb_params, of two vectors.</summary>
    private static byte[] Embedding(int width)
    {
        byte[] header = Encoding.UTF8.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $$$"""{"emb_params":{"dtype":"F32","shape":[2,{{{width}}}],"data_offsets":[0,{{{8 * width}}}]}}"""
            )
        );
        byte[] file = new byte[8 + header.Length + (8 * width)];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        for (int i = 0; i < 2 * width; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(8 + header.Length + (4 * i)), MathF.Sin(i));
        }

        return file;
    }
}
