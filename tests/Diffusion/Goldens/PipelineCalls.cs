using Generation.Diffusion.Pipelines;

namespace Generation.Tests.Goldens;

/// <summary>The reference's pipelines by class name, as ours.</summary>
internal static class PipelineCalls
{
    private static readonly Dictionary<string, Func<PipelineCall, PictureBatch>> Calls = new(StringComparer.Ordinal)
    {
        ["StableDiffusionPipeline"] = Text2Img,
        ["StableDiffusionXLPipeline"] = Text2Img,
    };

    /// <summary>What the case's call makes, or null for a pipeline that is not built.</summary>
    public static PictureBatch? Run(PipelineCall call) => Calls.TryGetValue(call.Pipeline, out Func<PipelineCall, PictureBatch>? run) ? run(call) : null;

    private static PictureBatch Text2Img(PipelineCall call)
    {
        using LatentDiffusionModel model = LatentDiffusionModel.FromPretrained(call.Model);
        return new StableDiffusionPipeline(model).Generate(With(call, new Text2ImgSettings()));
    }

    /// <summary>The arguments that all pipelines have.</summary>
    private static T With<T>(PipelineCall call, T settings)
        where T : DiffusionSettings => settings with
        {
            Items = call.Items(),
            Scheduler = call.Scheduler,
            NumInferenceSteps = call.Whole("num_inference_steps") ?? 50,
            GuidanceScale = call.Number("guidance_scale", call.Pipeline.Contains("XL", StringComparison.Ordinal) ? 5 : 7.5),
            GuidanceRescale = call.Number("guidance_rescale", 0),
            Eta = call.Number("eta", 0),
            ClipSkip = call.Whole("clip_skip"),
            Width = call.Whole("width"),
            Height = call.Whole("height"),
            DenoisingEnd = call.NumberOrNull("denoising_end"),
            Sdxl = new SdxlConditions
            {
                OriginalSize = Size(call, "original_size"),
                TargetSize = Size(call, "target_size"),
                CropsCoordsTopLeft = call.Pair("crops_coords_top_left") ?? default,
                NegativeOriginalSize = Size(call, "negative_original_size"),
                NegativeTargetSize = Size(call, "negative_target_size"),
                NegativeCropsCoordsTopLeft = call.Pair("negative_crops_coords_top_left") ?? default,
                AestheticScore = call.Number("aesthetic_score", 6),
                NegativeAestheticScore = call.Number("negative_aesthetic_score", 2.5),
            },
        };

    // (height, width), as the reference gives sizes
    private static PictureSize? Size(PipelineCall call, string name) => call.Pair(name) is (int height, int width) ? new PictureSize(width, height) : null;
}
