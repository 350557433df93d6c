using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// The components of a checkpoint under the names of the original latent diffusion code, which Stable Diffusion of all generations has.
/// </summary>
internal static class LdmKeys
{
    private const string UNet = "model.diffusion_model.";

    /// <summary>Finds UNet, control network, autoencoder, and the text encoder of Stable Diffusion 1 or 2.</summary>
    public static IEnumerable<CheckpointPart> FindParts(WeightSource source)
    {
        bool Any(string prefix) => source.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
        var parts = new List<CheckpointPart>();
        if (Any(UNet + "input_blocks."))
        {
            parts.Add(OfUNet("unet", UNet));
        }

        if (Any("control_model.input_blocks."))
        {
            parts.Add(OfUNet("controlnet", "control_model."));
        }
        else if (source.Has("input_hint_block.0.weight"))
        {
            parts.Add(OfUNet("controlnet", ""));
        }

        parts.AddRange(new[] { "first_stage_model.", "vae." }.Where(Any).Select(CheckpointPart.Vae));
        if (parts.Count == 0 && source.Has("encoder.mid.block_1.conv1.weight"))
        {
            parts.Add(CheckpointPart.Vae(""));
        }

        if (Any("cond_stage_model.transformer."))
        {
            parts.Add(CheckpointPart.Clip("text_encoder", "cond_stage_model.transformer."));
        }
        else if (Any("cond_stage_model.model."))
        {
            // Stable Diffusion 2 takes the last but one layer's output: files have 24 layers, and 23 are used.
            int layers = 0;
            while (source.Has($"cond_stage_model.model.transformer.resblocks.{layers}.ln_1.weight"))
            {
                layers++;
            }

            parts.Add(CheckpointPart.OpenClip("text_encoder", "cond_stage_model.model.", layers == 24 ? 23 : layers, projected: false));
        }

        return parts;
    }

    private static CheckpointPart OfUNet(string component, string prefix) =>
        new(component, prefix, (_, keys) =>
            LdmUNetKeys.Map(keys).ToDictionary(pair => pair.Value, pair => new WeightPiece(prefix + pair.Key), StringComparer.Ordinal)
        );
}
