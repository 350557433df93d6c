using System.Text.Json.Nodes;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>A control network in one file, under the key names of diffusers or of the original code.</summary>
public static class ControlNetFile
{
    /// <summary>Returns the weights under the names that the network takes, and its config, which follows from the shapes.</summary>
    /// <param name="file">The file, which is disposed with the result, or on an error.</param>
    /// <exception cref="WeightsException">The file is no control network, or of a family that is not known.</exception>
    public static WeightSource Open(WeightSource file, out ControlNetConfig config)
    {
        try
        {
            var layout = CheckpointLayout.Of(file);
            if (!layout.Has("controlnet"))
            {
                throw new WeightsException($"{file.Path}: {layout.Describe()}, and no control network.");
            }

            if (layout.Published is not { } published)
            {
                throw new WeightsException(
                    $"{file.Path}: {layout.Describe()}, which is none of the known families; put it into a folder with its config.json."
                );
            }

            // A control network is the way down and the middle of its family's UNet.
            JsonObject unet = published.Configs["unet"].DeepClone().AsObject();
            unet["_class_name"] = "ControlNetModel";
            config = ConfigJson.Parse<ControlNetConfig>(unet.ToJsonString());
            return layout.Open(file, "controlnet");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
