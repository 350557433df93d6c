using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Service.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Service.Rendering;

/// <summary>What a stage hands to the next: latents that are still noisy, or a picture.</summary>
internal sealed record StageResult(Tensor? Latents, Picture? Picture) : IDisposable
{
    public void Dispose() => Latents?.Dispose();
}

/// <summary>
/// A run of one model over a picture. Most pictures have one stage; a refiner or a second pass adds another, which begins where the one
/// before ended. A stage that an earlier worker began continues from its latents, without the stages before it.
/// </summary>
internal abstract class PictureStage(PictureRecipe recipe, PlannedPass pass, bool handsOnLatents)
{
    protected PictureRecipe Recipe { get; } = recipe;

    /// <summary>The planned pass that this stage carries out.</summary>
    public PlannedPass Pass { get; } = pass;

    /// <summary>See <see cref="PictureRecipe.NeedsTextEncodersOnly"/>.</summary>
    public virtual bool NeedsTextEncodersOnly => false;

    /// <summary>Whether the next stage takes the latents as they are, not decoded.</summary>
    public bool HandsOnLatents { get; } = handsOnLatents;

    /// <summary>The stages of a job's pictures, one for each pass of the plan.</summary>
    public static PictureStage[] Of(PictureRecipe recipe)
    {
        IReadOnlyList<PlannedPass> passes = recipe.Plan.Passes;
        return
        [
            .. passes.Select(
                (pass, k) => Of(recipe, pass, handsOnLatents: k + 1 < passes.Count && passes[k + 1].Purpose == PassPurpose.Refine)
            ),
        ];
    }

    private static PictureStage Of(PictureRecipe recipe, PlannedPass pass, bool handsOnLatents) =>
        pass.Purpose switch
        {
            PassPurpose.Draw => new DrawStage(recipe, pass, handsOnLatents),
            PassPurpose.Refine => new RefineStage(recipe, pass, handsOnLatents),
            PassPurpose.Redraw => new RedrawStage(recipe, pass, handsOnLatents),
            _ => throw new ArgumentException($"A pass has the purpose {pass.Purpose}, which is none.", nameof(pass)),
        };

    /// <summary>Begins picture <paramref name="picture"/>.</summary>
    /// <param name="before">
    /// The result of the stage before; null in the first stage, and where an earlier worker's latents of this stage are there.
    /// </param>
    public abstract DenoisingRun Encode(LoadedModel model, int picture, StageResult? before);

    /// <summary>The first pass, over noise or an input picture.</summary>
    private sealed class DrawStage(PictureRecipe recipe, PlannedPass pass, bool handsOnLatents) : PictureStage(recipe, pass, handsOnLatents)
    {
        public override bool NeedsTextEncodersOnly => Recipe.NeedsTextEncodersOnly;

        public override DenoisingRun Encode(LoadedModel model, int picture, StageResult? before) => Recipe.Encode(model, picture);
    }

    /// <summary>Another model does the last steps, on the latents of the first. Podell et al., SDXL, 2023, section 2.5.</summary>
    private sealed class RefineStage(PictureRecipe recipe, PlannedPass pass, bool handsOnLatents)
        : PictureStage(recipe, pass, handsOnLatents)
    {
        public override DenoisingRun Encode(LoadedModel model, int picture, StageResult? before)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor latents = before?.Latents ?? zeros(model.Model.LatentShape(new PictureSize(Pass.Width, Pass.Height)));
            return model.Model.Encode(
                Recipe.Common(
                    new Img2ImgSettings
                    {
                        Image = new Picture(Pass.Width, Pass.Height, 3),
                        ImageLatents = latents,
                        DenoisingStart = Recipe.Request.Refiner!.SwitchAt,
                    },
                    model,
                    picture,
                    Pass
                )
            );
        }
    }

    /// <summary>Draws over the enlarged picture.</summary>
    private sealed class RedrawStage(PictureRecipe recipe, PlannedPass pass, bool handsOnLatents)
        : PictureStage(recipe, pass, handsOnLatents)
    {
        public override DenoisingRun Encode(LoadedModel model, int picture, StageResult? before)
        {
            Picture small = before?.Picture ?? new Picture(Pass.Width, Pass.Height, 3);
            Picture large = before is not null && Pass.Upscaler is not null ? model.Upscaler!.Upscale(small) : small;
            return model.Model.Encode(
                Recipe.Common(
                    new Img2ImgSettings { Image = large.Fit(Pass.Width, Pass.Height, FitMode.Stretch), Strength = Pass.Strength },
                    model,
                    picture,
                    Pass
                )
            );
        }
    }
}
