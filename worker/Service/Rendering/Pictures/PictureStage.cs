using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Worker.Models;
using static TorchSharp.torch;

namespace Generation.Worker.Rendering;

/// <summary>What a stage leaves to the next: latents that are still noisy, or a picture.</summary>
internal sealed record StageResult(Tensor? Latents, Picture? Picture) : IDisposable
{
    public void Dispose() => Latents?.Dispose();
}

/// <summary>
/// A run of one model over a picture. Most pictures have one; a refiner or a second pass adds another, which begins where the
/// one before ended. What was begun by an earlier worker goes on from its latents, without what came before.
/// </summary>
internal abstract class PictureStage(PictureRecipe recipe, string model, int steps)
{
    protected PictureRecipe Recipe { get; } = recipe;

    /// <summary>Name of the model that runs.</summary>
    public string Model { get; } = model;

    /// <summary>Steps that it takes; corrected once a run has told.</summary>
    public int Steps { get; set; } = steps;

    /// <summary>See <see cref="PictureRecipe.EncodesWordsOnly"/>.</summary>
    public virtual bool EncodesWordsOnly => false;

    /// <summary>Whether the next stage takes latents as they are, not decoded.</summary>
    public bool HandsOnLatents { get; private set; }

    /// <summary>The stages of a job's pictures.</summary>
    public static PictureStage[] Of(PictureRecipe recipe)
    {
        var stages = new List<PictureStage> { new DrawStage(recipe) };
        if (recipe.Request.Refiner is { } refiner)
        {
            stages[^1].HandsOnLatents = true;
            stages.Add(new RefineStage(recipe, refiner));
        }

        if (recipe.Request.HiresFix is { } fix)
        {
            stages.Add(new HiresStage(recipe, fix));
        }

        return [.. stages];
    }

    /// <summary>Begins picture <paramref name="picture"/>.</summary>
    /// <param name="before">What the stage before left; null in the first, and where latents of this one are at hand.</param>
    public abstract DenoisingRun Encode(LoadedModel model, int picture, StageResult? before);

    /// <summary>The first run over noise or an input picture.</summary>
    private sealed class DrawStage(PictureRecipe recipe) : PictureStage(recipe, recipe.Request.Model, StepsOf(recipe))
    {
        public override bool EncodesWordsOnly => Recipe.EncodesWordsOnly;

        public override DenoisingRun Encode(LoadedModel model, int picture, StageResult? before) => Recipe.Encode(model, picture);

        private static int StepsOf(PictureRecipe recipe) =>
            recipe.Request.Refiner is { } refiner ? Math.Max(1, (int)(recipe.Steps * refiner.SwitchAt)) : recipe.Steps;
    }

    /// <summary>Another model does the last steps, on the latents of the first. Podell et al., SDXL, 2023, section 2.5.</summary>
    private sealed class RefineStage(PictureRecipe recipe, RefinerUse refiner)
        : PictureStage(recipe, refiner.Model, Math.Max(1, (int)(recipe.Request.NumInferenceSteps * (1 - refiner.SwitchAt))))
    {
        public override DenoisingRun Encode(LoadedModel model, int picture, StageResult? before)
        {
            (int width, int height) = (Recipe.Plan.FirstWidth ?? Recipe.Plan.GeneratedWidth, Recipe.Plan.FirstHeight ?? Recipe.Plan.GeneratedHeight);
            int downscale = model.Model.Vae.Config.Downscale;
            using var scope = NewDisposeScope();
            Tensor latents = before?.Latents ?? zeros([1, model.Model.Vae.Config.LatentChannels, height / downscale, width / downscale]);
            return new StableDiffusionImg2ImgPipeline(model.Model).Encode(Recipe.Common(
                new Img2ImgSettings { Image = new Picture(width, height, 3), ImageLatents = latents, DenoisingStart = refiner.SwitchAt }, model, picture) with
            { DenoisingEnd = null });
        }
    }

    /// <summary>Draws over the enlarged picture.</summary>
    private sealed class HiresStage(PictureRecipe recipe, HiresFix fix) : PictureStage(recipe, recipe.Request.Model, (int)(fix.Steps * fix.Strength))
    {
        private const string Lanczos = "lanczos";

        public override DenoisingRun Encode(LoadedModel model, int picture, StageResult? before)
        {
            (int width, int height) = (Recipe.Plan.GeneratedWidth, Recipe.Plan.GeneratedHeight);
            Picture small = before?.Picture ?? new Picture(width, height, 3);
            Picture large = model.Upscaler is { } upscaler && fix.Upscaler != Lanczos && small.Width < width ? upscaler.Upscale(small) : small;
            Img2ImgSettings settings = Recipe.Common(new Img2ImgSettings { Image = large.Fit(width, height, FitMode.Stretch), Strength = fix.Strength }, model, picture);
            return PictureToPictures.Begin(model, settings with { Width = width, Height = height, NumInferenceSteps = fix.Steps, DenoisingEnd = null });
        }
    }
}
