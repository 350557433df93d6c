using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>The reference's pipelines by class name, as ours.</summary>
internal static class PipelineCalls
{
    private static readonly Dictionary<string, Func<PipelineCall, PictureBatch>> Calls = new(StringComparer.Ordinal)
    {
        ["StableDiffusionPipeline"] = Text2Img,
        ["StableDiffusionXLPipeline"] = Text2Img,
        ["StableDiffusionImg2ImgPipeline"] = Img2Img,
        ["StableDiffusionXLImg2ImgPipeline"] = Img2Img,
        ["StableDiffusionInstructPix2PixPipeline"] = Edit,
        ["StableDiffusionControlNetPipeline"] = ControlNet,
        ["StableDiffusionInpaintPipeline"] = Inpaint,
        ["StableDiffusionXLInpaintPipeline"] = Inpaint,
        ["StableDiffusionUpscalePipeline"] = Upscale,
        ["AnimateDiffPipeline"] = AnimateDiff,
        ["StableVideoDiffusionPipeline"] = StableVideo,
        ["FluxPipeline"] = Flux,
        ["FluxInpaintPipeline"] = FluxInpaint,
        ["FluxFillPipeline"] = FluxFill,
        ["FluxImg2ImgPipeline"] = FluxImg2Img,
    };

    /// <summary>What the case's call makes, or null for a pipeline that is not built.</summary>
    public static PictureBatch? Run(PipelineCall call) =>
        Calls.TryGetValue(call.Pipeline, out Func<PipelineCall, PictureBatch>? run) ? run(call) : null;

    /// <summary>The latents of one picture decoded once more: (1, height, width, 3) from 0 to 1.</summary>
    public static Tensor Decode(PipelineCall call, Tensor latents)
    {
        if (!call.Pipeline.StartsWith("Flux", StringComparison.Ordinal))
        {
            using LatentDiffusionModel model = Model(call);
            return PictureTensors.FromDecoded(model.Vae.Decode(model.Vae.FromDenoiser(latents)));
        }

        using var flux = FluxModel.FromPretrained(call.Model, device: GoldenCase.Device);
        int channels = flux.Vae.Config.LatentChannels;
        int rows = call.Whole("height")!.Value / (2 * flux.Vae.Config.Downscale);

        // 1, rows, columns, channels, 2, 2 -> 1, channels, rows * 2, columns * 2
        Tensor unpacked = latents.reshape(1, rows, -1, channels, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(1, channels, rows * 2, -1);
        return PictureTensors.FromDecoded(flux.Vae.Decode(flux.Vae.FromDenoiser(unpacked)));
    }

    private static PictureBatch Text2Img(PipelineCall call)
    {
        using LatentDiffusionModel model = Model(call);
        using LoraAdapter? adapter = call.Adapter is (string path, _) ? LoraAdapter.Load(path) : null;
        using LoraSet? applied = adapter is null ? null : LoraSet.Apply(model.Adaptable, [new LoraUse(adapter, call.Adapter!.Value.Scale)]);
        return new StableDiffusionPipeline(model).Generate(With(call, new Text2ImgSettings()));
    }

    private static PictureBatch Img2Img(PipelineCall call)
    {
        using LatentDiffusionModel model = Model(call);
        return new StableDiffusionImg2ImgPipeline(model).Generate(
            With(
                call,
                new Img2ImgSettings
                {
                    Image = call.Picture("image"),
                    Strength = call.Number("strength", call.Pipeline.Contains("XL", StringComparison.Ordinal) ? 0.3 : 0.8),
                    DenoisingStart = call.NumberOrNull("denoising_start"),
                }
            )
        );
    }

    private static PictureBatch Inpaint(PipelineCall call)
    {
        using LatentDiffusionModel model = Model(call);
        return new StableDiffusionInpaintPipeline(model).Generate(
            InpaintSettings(call, call.Pipeline.Contains("XL", StringComparison.Ordinal) ? 0.9999 : 1)
        );
    }

    private static InpaintSettings InpaintSettings(PipelineCall call, double strength) =>
        With(
            call,
            new InpaintSettings
            {
                Image = call.Picture("image"),
                MaskImage = call.Picture("mask_image"),
                Strength = call.Number("strength", strength),
                PaddingMaskCrop = call.Whole("padding_mask_crop"),
                DenoisingStart = call.NumberOrNull("denoising_start"),
            }
        );

    private static PictureBatch Upscale(PipelineCall call)
    {
        var pipeline = StableDiffusionUpscalePipeline.FromPretrained(call.Model, device: GoldenCase.Device);
        using LatentDiffusionModel model = pipeline.Model;
        return pipeline.Generate(
            With(call, new UpscaleSettings { Image = call.Picture("image"), NoiseLevel = call.Whole("noise_level") ?? 20 })
        );
    }

    private static PictureBatch Edit(PipelineCall call)
    {
        using LatentDiffusionModel model = Model(call);
        return new InstructPix2PixPipeline(model).Generate(
            With(call, new EditSettings { Image = call.Picture("image"), ImageGuidanceScale = call.Number("image_guidance_scale", 1.5) })
        );
    }

    private static PictureBatch ControlNet(PipelineCall call)
    {
        using LatentDiffusionModel model = Model(call);
        using ControlNetModel network = StableDiffusionControlNetPipeline.LoadControlNet(
            call.Named("controlnet"),
            device: GoldenCase.Device
        );
        return new StableDiffusionControlNetPipeline(model).Generate(
            With(
                call,
                new ControlNetSettings
                {
                    GuessMode = call.Flag("guess_mode"),
                    Controls =
                    [
                        new ControlInput(network, call.Picture("image"))
                        {
                            ConditioningScale = call.Number("controlnet_conditioning_scale", 1),
                            GuidanceStart = call.Number("control_guidance_start", 0),
                            GuidanceEnd = call.Number("control_guidance_end", 1),
                        },
                    ],
                }
            )
        );
    }

    private static PictureBatch AnimateDiff(PipelineCall call)
    {
        using var pipeline = AnimateDiffPipeline.FromPretrained(call.Model, call.Named("motion"), device: GoldenCase.Device);
        return pipeline.Generate(
            With(
                call,
                new Text2VideoSettings
                {
                    NumFrames = call.Whole("num_frames") ?? 16,
                    DecodeChunkSize = call.Whole("decode_chunk_size") ?? 16,
                }
            )
        );
    }

    private static PictureBatch StableVideo(PipelineCall call)
    {
        using var pipeline = StableVideoDiffusionPipeline.FromPretrained(call.Model, device: GoldenCase.Device);
        return pipeline.Generate(
            With(
                call,
                new Img2VideoSettings
                {
                    Image = call.Picture("image"),
                    NumFrames = call.Whole("num_frames"),
                    Fps = call.Whole("fps") ?? 7,
                    MotionBucketId = call.Whole("motion_bucket_id") ?? 127,
                    NoiseAugStrength = call.Number("noise_aug_strength", 0.02),
                    MinGuidanceScale = call.Number("min_guidance_scale", 1),
                    MaxGuidanceScale = call.Number("max_guidance_scale", 3),
                    DecodeChunkSize = call.Whole("decode_chunk_size"),
                }
            )
        );
    }

    private static PictureBatch Flux(PipelineCall call)
    {
        using var model = FluxModel.FromPretrained(call.Model, device: GoldenCase.Device);
        return new FluxPipeline(model).Generate(With(call, new Text2ImgSettings()));
    }

    private static PictureBatch FluxImg2Img(PipelineCall call)
    {
        using var model = FluxModel.FromPretrained(call.Model, device: GoldenCase.Device);
        return new FluxImg2ImgPipeline(model).Generate(
            With(call, new Img2ImgSettings { Image = call.Picture("image"), Strength = call.Number("strength", 0.6) })
        );
    }

    private static PictureBatch FluxInpaint(PipelineCall call)
    {
        using var model = FluxModel.FromPretrained(call.Model, device: GoldenCase.Device);
        return new FluxInpaintPipeline(model).Generate(InpaintSettings(call, 0.6));
    }

    private static PictureBatch FluxFill(PipelineCall call)
    {
        using var model = FluxModel.FromPretrained(call.Model, device: GoldenCase.Device);
        return new FluxFillPipeline(model).Generate(InpaintSettings(call, 1));
    }

    /// <summary>The model's folder, or the checkpoint in it where the case's note says so.</summary>
    private static LatentDiffusionModel Model(PipelineCall call) =>
        LatentDiffusionModel.FromPretrained(
            call.Golden.Note?.Contains("one_file.safetensors", StringComparison.Ordinal) == true
                ? Path.Combine(call.Model, "one_file.safetensors")
                : call.Model,
            device: GoldenCase.Device
        );

    /// <summary>The arguments that all pipelines have.</summary>
    private static T With<T>(PipelineCall call, T settings)
        where T : DiffusionSettings =>
        settings with
        {
            Items = call.Items(),
            Scheduler = call.Scheduler,
            NumInferenceSteps = call.Whole("num_inference_steps") ?? 50,
            GuidanceScale = call.Number("guidance_scale", Guidance(call.Pipeline)),
            GuidanceRescale = call.Number("guidance_rescale", 0),
            Eta = call.Number("eta", 0),
            ClipSkip = call.Whole("clip_skip"),
            Width = call.Whole("width"),
            Height = call.Whole("height"),
            DenoisingEnd = call.NumberOrNull("denoising_end"),
            Flux = new FluxOptions
            {
                TrueCfgScale = call.Number("true_cfg_scale", 1),
                MaxSequenceLength = call.Whole("max_sequence_length") ?? 512,
            },
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

    private static double Guidance(string pipeline) =>
        pipeline switch
        {
            _ when pipeline.Contains("XL", StringComparison.Ordinal) => 5,
            "StableDiffusionUpscalePipeline" => 9,
            "FluxFillPipeline" => 30,
            "FluxPipeline" => 3.5,
            _ when pipeline.StartsWith("Flux", StringComparison.Ordinal) => 7,
            _ => 7.5,
        };

    // (height, width), as the reference gives sizes
    private static PictureSize? Size(PipelineCall call, string name) =>
        call.Pair(name) is (int height, int width) ? new PictureSize(width, height) : null;
}
