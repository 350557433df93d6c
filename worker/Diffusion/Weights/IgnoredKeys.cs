namespace Generation.Diffusion.Weights;

/// <summary>
/// Keys that real checkpoints carry and no network takes: buffers that are computed anew, the temperature of CLIP's training
/// (logit_scale), and averages kept for training.
/// </summary>
public static class IgnoredKeys
{
    private static readonly string[] Buffers =
    [
        // transformers before 4.31 stored the index row 0, 1, 2, ... of its embeddings
        "position_ids",
        // the noise schedule of the original Stable Diffusion code; ours comes from the scheduler's config
        "betas",
        "alphas_cumprod",
        "alphas_cumprod_prev",
        "sqrt_alphas_cumprod",
        "sqrt_one_minus_alphas_cumprod",
        "log_one_minus_alphas_cumprod",
        "sqrt_recip_alphas_cumprod",
        "sqrt_recipm1_alphas_cumprod",
        "posterior_variance",
        "posterior_log_variance_clipped",
        "posterior_mean_coef1",
        "posterior_mean_coef2",
        "lvlb_weights",
        "logvar",
        // how far training had come, and marks of what the network predicts, which TrainedPrediction reads
        "global_step",
        "v_pred",
        "ztsnr",
    ];

    public static bool Contains(string name)
    {
        string last = name[(name.LastIndexOf('.') + 1)..];
        return (last is "position_ids" or "logit_scale" || (last == name && Buffers.Contains(name)))
            // exponential moving averages of the whole model, for further training
            || name.StartsWith("model_ema.", StringComparison.Ordinal)
            // a discriminator and perceptual loss, from the autoencoder's training
            || name.StartsWith("loss.", StringComparison.Ordinal)
            || name.StartsWith("first_stage_model.loss.", StringComparison.Ordinal);
    }
}
