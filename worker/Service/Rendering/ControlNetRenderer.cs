using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Control;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>Generates pictures from a prompt, guided by control pictures.</summary>
internal sealed class ControlNetRenderer(JobPlans plans, ModelLoader loader, PictureLoop loop, StoredFiles files)
    : PictureRenderer<ControlNetRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(ControlNetRequest request, JobPlan plan, RunningJob job)
    {
        (int width, int height) = (plan.Passes[0].Width, plan.Passes[0].Height);
        var pictures = new List<Picture>();
        for (int i = 0; i < request.Control.Count; i++)
        {
            ControlUse control = request.Control[i];
            string field = $"control[{i}]";
            ControlPreprocessor preprocessor = ControlPictures.FindPreprocessor(control.Preprocessor)
                ?? throw new SettingException(
                    $"{field}.preprocessor",
                    $"is '{control.Preprocessor}' and must be one of {string.Join(", ", ControlPictures.PreprocessorNames)}."
                );
            FitMode mode = ControlPictures.FindResizeMode(control.ResizeMode)
                ?? throw new SettingException(
                    $"{field}.resize_mode",
                    $"is '{control.ResizeMode}' and must be one of {string.Join(", ", ControlPictures.ResizeModeNames)}."
                );
            Picture given = await files.ReadPictureAsync(job, $"{field}.image", control.Image);
            // The aspect is the output's; the network's own differs a little where its sides are rounded
            Picture sized = given.ToRgb().Fit(request.Width, request.Height, mode);
            pictures.Add(ControlPictures.Prepare(sized, preprocessor, width, height, FitMode.Stretch));
        }

        return new Recipe(request, plan, pictures, loader);
    }

    private sealed class Recipe(ControlNetRequest request, JobPlan plan, List<Picture> pictures, ModelLoader loader)
        : PictureRecipe(request, plan)
    {
        public override DenoisingRun Encode(LoadedModel model, int picture)
        {
            var controls = request
                .Control.Select(
                    (control, i) =>
                        new ControlInput(loader.ControlNet(model, control.Type), pictures[i])
                        {
                            ConditioningScale = control.Scale,
                            GuidanceStart = control.Start,
                            GuidanceEnd = control.End,
                        }
                )
                .ToList();
            return model.Model.Encode(
                Common(new ControlNetSettings { Controls = controls, GuessMode = request.GuessMode }, model, picture, Draw)
            );
        }
    }
}
