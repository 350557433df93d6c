using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families;

/// <summary>
/// A model of any family in memory: what it can do, how its prompts are read, its schedulers, the weights that adapters change, and a run
/// for each kind of settings. All that makes a family differ from others is in its folder; code that uses a model need not know its family.
/// Not thread-safe: one run at a time uses its networks.
/// </summary>
public abstract class DiffusionModel : IDisposable
{
    private const int LargestTrialSide = 256;
    private const int ListedWeights = 5;

    /// <summary>The short name of the family, as catalogue entries have it: sd15, sd21, sdxl, sdxl-refiner, flux, svd, ...</summary>
    public abstract string Family { get; }

    /// <summary>What the model can do. Any other <c>Encode</c> throws a <see cref="SettingException"/> for <c>model</c>.</summary>
    public abstract ModelAbilities Abilities { get; }

    /// <summary>The scheduler of runs whose settings name none.</summary>
    public abstract SchedulerConfig Scheduler { get; }

    /// <summary>The size of the pictures that the model was trained on, in pixels.</summary>
    public abstract PictureSize NativeSize { get; }

    /// <summary>Widths and heights of its pictures should be multiples of this many pixels.</summary>
    public abstract int Multiple { get; }

    /// <summary>The number of frames of the clips that the model was trained on; null where it makes pictures.</summary>
    public virtual int? NativeFrames => null;

    /// <summary>The settings of a request that gives none.</summary>
    public virtual ModelDefaults Defaults => new(Steps: 30, GuidanceScale: 7.5, Scheduler: "ddim");

    /// <summary>The richest prompt syntax that the model's text encoders allow.</summary>
    public virtual PromptSyntax PromptSyntax => PromptSyntax.Weighted;

    /// <summary>The weights that adapters may change, by component: unet or transformer, text_encoder, text_encoder_2.</summary>
    public abstract IReadOnlyDictionary<string, ParameterStore> Adaptable { get; }

    /// <summary>The shape of one picture's latents, (1, channels, height, width), for a picture's size in pixels.</summary>
    public abstract long[] LatentShape(PictureSize size);

    /// <summary>Begins generating pictures from a prompt.</summary>
    /// <exception cref="SettingException">
    /// The model cannot do this, or a setting has a value that it cannot have; the message names it.
    /// </exception>
    public virtual DenoisingRun Encode(Text2ImgSettings settings) => throw Cannot("make pictures from a prompt");

    /// <summary>Begins generating pictures from a picture and a prompt.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(Img2ImgSettings settings) => throw Cannot("make pictures from a picture");

    /// <summary>Begins painting inside a mask.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(InpaintSettings settings) => throw Cannot("paint inside a mask");

    /// <summary>Begins changing a picture as an instruction in words says.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(EditSettings settings) => throw Cannot("change a picture by instruction");

    /// <summary>Begins generating pictures from a prompt, guided by control pictures.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(ControlNetSettings settings) => throw Cannot("be guided by control pictures");

    /// <summary>Begins enlarging a picture.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(UpscaleSettings settings) => throw Cannot("enlarge pictures");

    /// <summary>Begins generating a clip from a prompt.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(Text2VideoSettings settings) => throw Cannot("make clips from a prompt");

    /// <summary>Begins generating a clip from a picture.</summary>
    /// <inheritdoc cref="Encode(Text2ImgSettings)"/>
    public virtual DenoisingRun Encode(Img2VideoSettings settings) => throw Cannot("make clips from a picture");

    /// <summary>Replaces the model's own autoencoder until the result is disposed. The other one remains the caller's to dispose.</summary>
    /// <exception cref="SettingException">Its latents differ from this model's, or the family takes no autoencoder but its own.</exception>
    public virtual IDisposable UseVae(AutoencoderKL other) =>
        throw new SettingException("vae", $"cannot be replaced: models of the family {Family} take none but their own.");

    /// <summary>Loads a control network of the model's family onto the model's device. The caller disposes it.</summary>
    /// <param name="path">A folder with config.json and weights, or a checkpoint in one file under the original key names.</param>
    /// <exception cref="WeightsException">A file is missing, or the network does not fit this model.</exception>
    /// <exception cref="SettingException">The family has no control networks.</exception>
    public virtual ControlNetModel LoadControlNet(string path, ScalarType dtype = ScalarType.Float32) =>
        throw Cannot("be guided by control pictures");

    /// <summary>
    /// Runs one step at a small size. Loading has compared keys and shapes; this shows that the weights compute finite numbers.
    /// </summary>
    /// <param name="path">The path of the model, for the message.</param>
    /// <exception cref="WeightsException">The step gives values that are no finite numbers.</exception>
    public void Try(string path) => Try(path, BeginTrial);

    /// <summary>The same with a control network.</summary>
    /// <param name="path">The path of the control network, for the message.</param>
    /// <inheritdoc cref="Try(string)"/>
    public void TryControlNet(string path, ControlNetModel network) =>
        Try(path, side =>
            Encode(Small(new ControlNetSettings { Controls = [new ControlInput(network, new Picture(side.Width, side.Height, 3))] }, side))
        );

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    private static T Small<T>(T settings, PictureSize side)
        where T : DiffusionSettings
    {
        DiffusionSettings own = settings;
        return (T)(own with { Prompt = "a test", Width = side.Width, Height = side.Height, NumInferenceSteps = 1 });
    }

    private DenoisingRun BeginTrial(PictureSize side)
    {
        Picture Blank(PictureSize size) => new(size.Width, size.Height, 3);
        var clip = new PictureSize(64, 64);
        if (Abilities.HasFlag(ModelAbilities.Text2Img))
        {
            return Encode(Small(new Text2ImgSettings(), side));
        }

        if (Abilities.HasFlag(ModelAbilities.Edit))
        {
            return Encode(Small(new EditSettings { Image = Blank(side) }, side));
        }

        if (Abilities.HasFlag(ModelAbilities.Inpaint))
        {
            var mask = new Picture(side.Width, side.Height, 1);
            Array.Fill(mask.Bytes, (byte)255);
            return Encode(
                Small(
                    new InpaintSettings
                    {
                        Image = Blank(side),
                        MaskImage = mask,
                        Strength = 1,
                    },
                    side
                )
            );
        }

        if (Abilities.HasFlag(ModelAbilities.Img2Img))
        {
            return Encode(Small(new Img2ImgSettings { Image = Blank(side), Strength = 1 }, side));
        }

        if (Abilities.HasFlag(ModelAbilities.Text2Video))
        {
            return Encode(Small(new Text2VideoSettings { NumFrames = 2 }, clip));
        }

        return Abilities.HasFlag(ModelAbilities.Img2Video)
            ? Encode(Small(new Img2VideoSettings { Image = Blank(clip), NumFrames = 2 }, clip))
            : Encode(
                new UpscaleSettings
                {
                    Image = Blank(clip),
                    Prompt = "a test",
                    NumInferenceSteps = 1,
                }
            );
    }

    private void Try(string path, Func<PictureSize, DenoisingRun> begin)
    {
        using IDisposable mode = inference_mode();
        using DisposeScope scope = NewDisposeScope();
        CheckWeights(path);
        PictureSize native = NativeSize;
        var side = new PictureSize(Math.Min(native.Width, LargestTrialSide), Math.Min(native.Height, LargestTrialSide));
        using DenoisingRun run = begin(side);
        try
        {
            run.Loop();
            using PictureBatch made = run.Decode();
            PictureTensors.ToPictures(made.Images);
        }
        catch (NotFiniteException e)
        {
            throw new WeightsException($"{path}: a step with it gives values that are no numbers: the weights are damaged.", e);
        }
    }

    /// <summary>Weights that are no numbers need not reach the picture: attention may drop them.</summary>
    /// <exception cref="WeightsException">Some are; the first are named.</exception>
    private void CheckWeights(string path)
    {
        string[] broken =
        [
            .. Adaptable
                .SelectMany(network => network.Value.Values.Select(parameter => (Name: $"{network.Key}.{parameter.Name}", parameter)))
                .Where(weight => !IsFinite(weight.parameter))
                .Select(weight => weight.Name)
                .Take(ListedWeights + 1),
        ];
        if (broken.Length > 0)
        {
            string more = broken.Length > ListedWeights ? ", ..." : "";
            throw new WeightsException(
                $"{path}: weights hold values that are no numbers ({string.Join(", ", broken.Take(ListedWeights))}{more}): they are damaged."
            );
        }
    }

    private static bool IsFinite(Parameter parameter)
    {
        using DisposeScope scope = NewDisposeScope();
        return parameter.Value.isfinite().all().item<bool>();
    }

    private SettingException Cannot(string what) => new("model", $"is of the family {Family}, and what was loaded of it cannot {what}.");
}

/// <summary>
/// The settings of a request that gives no steps, guidance scale or scheduler, where the model's catalogue entry gives none either.
/// </summary>
/// <param name="Steps">The number of steps.</param>
/// <param name="GuidanceScale">The guidance scale that the family's authors recommend.</param>
/// <param name="Scheduler">The short name of a scheduler, or auto for the model's own.</param>
/// <param name="RelativeCost">What a step at the model's native size costs, in steps of Stable Diffusion 1.5.</param>
public sealed record ModelDefaults(int Steps, double GuidanceScale, string Scheduler, decimal RelativeCost = 1);
