namespace Generation.Diffusion.Pipelines;

/// <summary>
/// What one latent of each channel contributes to red, green and blue, for previews without a decoder: linear fits of decoded pictures, one
/// table for each published latent space, of shape (channels + 1, 3), whose last row is the constant. Results are about -1 to 1. Source:
/// the numbers that https://github.com/comfyanonymous/ComfyUI (comfy/latent_formats.py) uses.
/// </summary>
public static class LatentColours
{
    public static double[][] StableDiffusion { get; } =
    [
        [0.3512, 0.2297, 0.3227],
        [0.3250, 0.4974, 0.2350],
        [-0.2829, 0.1762, 0.2721],
        [-0.2120, -0.2616, -0.7177],
        [0, 0, 0],
    ];

    public static double[][] Sdxl { get; } =
    [
        [0.3651, 0.4232, 0.4341],
        [-0.2533, -0.0042, 0.1068],
        [0.1076, 0.1111, -0.0362],
        [-0.3165, -0.2492, -0.2188],
        [0.1084, -0.0175, -0.0011],
    ];

    public static double[][] Flux { get; } =
    [
        [-0.0346, 0.0244, 0.0681],
        [0.0034, 0.0210, 0.0687],
        [0.0275, -0.0668, -0.0433],
        [-0.0174, 0.0160, 0.0617],
        [0.0859, 0.0721, 0.0329],
        [0.0004, 0.0383, 0.0115],
        [0.0405, 0.0861, 0.0915],
        [-0.0236, -0.0185, -0.0259],
        [-0.0245, 0.0250, 0.1180],
        [0.1008, 0.0755, -0.0421],
        [-0.0515, 0.0201, 0.0011],
        [0.0428, -0.0012, -0.0036],
        [0.0817, 0.0765, 0.0749],
        [-0.1264, -0.0522, -0.1103],
        [-0.0280, -0.0881, -0.0499],
        [-0.1262, -0.0982, -0.0778],
        [-0.0329, -0.0718, -0.0851],
    ];

    /// <summary>
    /// The table of the latent space with this scale (scaling_factor in the config of the VAE) and number of channels, or null if it is not
    /// a published one.
    /// </summary>
    public static double[][]? Of(double scalingFactor, int channels) =>
        (scalingFactor, channels) switch
        {
            (0.18215, 4) => StableDiffusion,
            (0.13025, 4) => Sdxl,
            (0.3611, 16) => Flux,
            _ => null,
        };
}
