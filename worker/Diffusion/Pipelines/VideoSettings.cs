using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>Settings for generating clips from a prompt; NumImages is their number.</summary>
public sealed record Text2VideoSettings : DiffusionSettings
{
    public int NumFrames { get; init; } = 16;

    /// <summary>The number of frames that are decoded at once: fewer take less memory.</summary>
    public int DecodeChunkSize { get; init; } = 16;

    public override void Check()
    {
        base.Check();
        VideoChecks.Check(NumFrames, DecodeChunkSize);
    }
}

/// <summary>
/// Settings for generating clips from a picture, with which they begin; NumImages is their number. Prompts have no effect; GuidanceScale is
/// replaced by the two scales here.
/// </summary>
public sealed record Img2VideoSettings : DiffusionSettings
{
    public Img2VideoSettings() => NumInferenceSteps = 25;

    public required Picture Image { get; init; }

    /// <summary>The number of frames; null for the number that the model was trained on.</summary>
    public int? NumFrames { get; init; }

    /// <summary>The frame rate that the motion is made for, in frames per second.</summary>
    public int Fps { get; init; } = 7;

    /// <summary>How much motion there is, 1 to 255.</summary>
    public int MotionBucketId { get; init; } = 127;

    /// <summary>The noise that is added to the picture first: more noise lets the clip differ more from it.</summary>
    public double NoiseAugStrength { get; init; } = 0.02;

    /// <summary>The guidance scale at the first frame, and at the last; in between it grows linearly.</summary>
    public double MinGuidanceScale { get; init; } = 1;

    public double MaxGuidanceScale { get; init; } = 3;

    /// <summary>The number of frames that are decoded at once, and influence each other; null for all.</summary>
    public int? DecodeChunkSize { get; init; }

    public override void Check()
    {
        base.Check();
        VideoChecks.Check(NumFrames ?? 1, DecodeChunkSize ?? 1);
        CheckRange("fps", Fps, 1, 1000);
        CheckRange("motion_bucket_id", MotionBucketId, 0, 255);
        CheckRange("noise_aug_strength", NoiseAugStrength, 0, 100);
        CheckFinite("min_guidance_scale", MinGuidanceScale);
        CheckFinite("max_guidance_scale", MaxGuidanceScale);
    }
}

internal static class VideoChecks
{
    public static void Check(int frames, int chunk)
    {
        if (frames < 1)
        {
            throw new SettingException("num_frames", $"is {frames} and must be 1 or more.");
        }

        if (chunk < 1)
        {
            throw new SettingException("decode_chunk_size", $"is {chunk} and must be 1 or more.");
        }
    }
}
