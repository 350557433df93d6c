using Generation.Contracts;
using Generation.Diffusion;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Upscalers;
using Generation.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Worker.Models;

/// <summary>What a model's files are, found from their configs, keys and shapes, and a first step with them.</summary>
internal sealed class ModelTrial
{
    private const int LargestTrialSide = 256;

    private ModelTrial(string family, JobKind[] kinds, PictureSize native, int multiple)
    {
        Family = family;
        Kinds = kinds;
        Native = native;
        Multiple = multiple;
    }

    public string Family { get; }

    public JobKind[] Kinds { get; }

    public PictureSize Native { get; }

    /// <summary>Sides that the network makes are multiples of this many pixels.</summary>
    public int Multiple { get; }

    /// <summary>Frames of the clips that the network was trained on; null where it makes pictures.</summary>
    public int? Frames { get; private init; }

    /// <summary>Loads every part, which compares all keys and shapes, and runs one step.</summary>
    /// <param name="path">Folder in the diffusers layout, or a checkpoint in one file.</param>
    /// <exception cref="WeightsException">The files are broken, pickled, incomplete or of no known family; or the step gives no
    /// numbers.</exception>
    public static ModelTrial Run(string path)
    {
        var files = ModelFiles.Open(path);
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        return files.Has("transformer") ? RunFlux(files)
            : files.Has("unet") ? RunLatent(files)
            : throw new WeightsException($"{path}: holds no network that makes pictures (neither a unet nor a transformer).");
    }

    /// <summary>The same for a Stable Video Diffusion folder.</summary>
    /// <exception cref="WeightsException">As for <see cref="Run"/>.</exception>
    public static ModelTrial RunPictureToClip(string path)
    {
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        using var pipeline = StableVideoDiffusionPipeline.FromPretrained(path);
        Check(
            path,
            pipeline.Generate(
                new Img2VideoSettings
                {
                    Image = new Picture(64, 64, 3),
                    Width = 64,
                    Height = 64,
                    NumFrames = 2,
                    NumInferenceSteps = 1,
                }
            )
        );
        int multiple = pipeline.Vae.Config.Downscale << (pipeline.UNet.Config.BlockOutChannels.Count - 1);
        return new ModelTrial("svd", [JobKind.Video], StableVideoDiffusionPipeline.NativeSize, multiple)
        {
            Frames = pipeline.UNet.Config.NumFrames,
        };
    }

    /// <summary>The same for networks of the Real-ESRGAN family.</summary>
    /// <returns>The largest factor.</returns>
    /// <exception cref="WeightsException">As for <see cref="Run"/>.</exception>
    public static int RunUpscaler(string path)
    {
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        using var networks = UpscalerSet.FromPretrained(path);
        foreach (int scale in networks.Scales)
        {
            networks.UpscaleBy(new Picture(32, 32, 3), scale);
        }

        return networks.Scales.Max();
    }

    /// <summary>Runs one step of a model with a part put on.</summary>
    /// <exception cref="WeightsException">As for <see cref="Run"/>; or the part does not fit the model.</exception>
    public static void RunControlNet(string model, string path)
    {
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        using var loaded = LatentDiffusionModel.FromPretrained(model);
        using ControlNetModel network = StableDiffusionControlNetPipeline.LoadControlNet(path);
        PictureSize side = TrialSide(loaded.NativeSize);
        if (network.Config.CrossAttentionDim[0] != loaded.UNet.Config.CrossAttentionDim[0])
        {
            throw new WeightsException(
                $"{path}: is for models whose prompts have {network.Config.CrossAttentionDim[0]} features; those of {model} have "
                    + $"{loaded.UNet.Config.CrossAttentionDim[0]}: it is of another family."
            );
        }

        Check(
            path,
            new StableDiffusionControlNetPipeline(loaded).Generate(
                new ControlNetSettings
                {
                    Controls = [new ControlInput(network, new Picture(side.Width, side.Height, 3))],
                    Prompt = "a test",
                    Width = side.Width,
                    Height = side.Height,
                    NumInferenceSteps = 1,
                }
            )
        );
    }

    /// <inheritdoc cref="RunControlNet"/>
    public static void RunMotionAdapter(string model, string path)
    {
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        using var pipeline = AnimateDiffPipeline.FromPretrained(model, path);
        Check(
            path,
            pipeline.Generate(
                new Text2VideoSettings
                {
                    Prompt = "a test",
                    Width = 64,
                    Height = 64,
                    NumFrames = 2,
                    NumInferenceSteps = 1,
                }
            )
        );
    }

    private static ModelTrial RunFlux(ModelFiles files)
    {
        using var model = FluxModel.Load(files, ScalarType.BFloat16, device: null);
        bool isFill = model.Transformer.Config.InChannels > 4 * model.Vae.Config.LatentChannels;
        PictureSize side = TrialSide(model.NativeSize);
        Check(files.Path, isFill ? new FluxFillPipeline(model).Generate(Painting(side)) : new FluxPipeline(model).Generate(Words(side)));
        JobKind[] kinds = isFill ? [JobKind.Inpaint, JobKind.Outpaint] : [JobKind.Text2Img, JobKind.Img2Img, JobKind.Inpaint];
        return new ModelTrial("flux", kinds, model.NativeSize, 2 * model.Vae.Config.Downscale);
    }

    private static ModelTrial RunLatent(ModelFiles files)
    {
        using var model = LatentDiffusionModel.Load(files);
        PictureSize side = TrialSide(model.NativeSize);
        int inputs = model.UNet.Config.InChannels,
            latents = model.Vae.Config.LatentChannels;
        JobKind[] kinds;
        if (files.PipelineClass.Contains("Upscale", StringComparison.Ordinal))
        {
            kinds = [JobKind.SuperResolution];
            Check(
                files.Path,
                new StableDiffusionUpscalePipeline(model, files).Generate(
                    new UpscaleSettings
                    {
                        Image = new Picture(64, 64, 3),
                        Prompt = "a test",
                        NumInferenceSteps = 1,
                    }
                )
            );
        }
        else if (inputs == 2 * latents)
        {
            kinds = [JobKind.Edit];
            Check(
                files.Path,
                new InstructPix2PixPipeline(model).Generate(
                    new EditSettings
                    {
                        Image = new Picture(side.Width, side.Height, 3),
                        Prompt = "a test",
                        NumInferenceSteps = 1,
                    }
                )
            );
        }
        else if (inputs == (2 * latents) + 1)
        {
            kinds = [JobKind.Inpaint, JobKind.Outpaint];
            Check(files.Path, new StableDiffusionInpaintPipeline(model).Generate(Painting(side)));
        }
        else if (files.Has("text_encoder_2") && !files.Has("text_encoder"))
        {
            kinds = [JobKind.Img2Img];
            Check(
                files.Path,
                new StableDiffusionImg2ImgPipeline(model).Generate(
                    new Img2ImgSettings
                    {
                        Image = new Picture(side.Width, side.Height, 3),
                        Strength = 1,
                        Prompt = "a test",
                        NumInferenceSteps = 1,
                    }
                )
            );
        }
        else
        {
            kinds = [JobKind.Text2Img, JobKind.Img2Img, JobKind.Inpaint, JobKind.Outpaint];
            Check(files.Path, new StableDiffusionPipeline(model).Generate(Words(side)));
        }

        string family =
            files.Has("text_encoder_2") ? (files.Has("text_encoder") ? "sdxl" : "sdxl-refiner")
            : kinds is [JobKind.SuperResolution] ? "x4-upscaler"
            : model.UNet.Config.CrossAttentionDim[0] == 1024 ? "sd21"
            : "sd15";
        return new ModelTrial(
            family,
            kinds,
            model.NativeSize,
            model.Vae.Config.Downscale << (model.UNet.Config.BlockOutChannels.Count - 1)
        );
    }

    private static PictureSize TrialSide(PictureSize native) =>
        new(Math.Min(native.Width, LargestTrialSide), Math.Min(native.Height, LargestTrialSide));

    private static Text2ImgSettings Words(PictureSize side) =>
        new()
        {
            Prompt = "a test",
            Width = side.Width,
            Height = side.Height,
            NumInferenceSteps = 1,
        };

    private static InpaintSettings Painting(PictureSize side)
    {
        var mask = new Picture(side.Width, side.Height, 1);
        Array.Fill(mask.Bytes, (byte)255);
        return new InpaintSettings
        {
            Image = new Picture(side.Width, side.Height, 3),
            MaskImage = mask,
            Strength = 1,
            Prompt = "a test",
            Width = side.Width,
            Height = side.Height,
            NumInferenceSteps = 1,
        };
    }

    private static void Check(string path, PictureBatch made)
    {
        using (made)
        using (DisposeScope scope = NewDisposeScope())
        {
            if (!made.Latents.isfinite().all().item<bool>() || !made.Images.isfinite().all().item<bool>())
            {
                throw new WeightsException($"{path}: a step with it gives values that are no numbers: the weights are damaged.");
            }
        }
    }
}
