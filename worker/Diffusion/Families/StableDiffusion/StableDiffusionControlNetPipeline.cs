using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Generates pictures from a prompt with Stable Diffusion 1.x, 2.x and XL, guided by control pictures. Zhang et al., Adding Conditional
/// Control to Text-to-Image Diffusion Models, 2023. Reference: diffusers 0.35.2, StableDiffusionControlNetPipeline and
/// StableDiffusionXLControlNetPipeline.
/// </summary>
public sealed class StableDiffusionControlNetPipeline(LatentDiffusionModel model) : DiffusionPipeline<ControlNetSettings>
{
    public LatentDiffusionModel Model { get; } = model;

    /// <summary>Loads a control network.</summary>
    /// <param name="path">A folder with config.json and weights, or a checkpoint in one file under the original key names.</param>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static ControlNetModel LoadControlNet(string path, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        if (File.Exists(path))
        {
            var file = SafetensorsFile.Open(path);
            using WeightSource named = ControlNetFile.Open(file, out ControlNetConfig found);
            return new ControlNetModel(found, new NetworkWeights(named, dtype, device));
        }

        string config = Path.Combine(path, "config.json");
        if (!File.Exists(config))
        {
            throw new WeightsException($"{path}: is no control network, it has no config.json.");
        }

        using var source = WeightSource.Open(path);
        return new ControlNetModel(ConfigJson.Load<ControlNetConfig>(config), new NetworkWeights(source, dtype, device));
    }

    public override DenoisingRun Encode(ControlNetSettings settings)
    {
        var plan = RunPlan.For(Model, settings);
        return new Run(Model, settings, plan);
    }

    private sealed class Run : LatentRun
    {
        private readonly ControlNetSettings _settings;
        private readonly bool _guess;
        private readonly Tensor[] _pictures;

        public Run(LatentDiffusionModel model, ControlNetSettings settings, RunPlan plan)
            : base(model, settings, plan)
        {
            _settings = settings;
            _guess = settings.GuessMode || settings.Controls[0].Network.Config.GlobalPoolConditions;
            using TorchSharp.DisposeScope scope = NewDisposeScope();
            int rows = plan.Pictures.Count * (Guided && !_guess ? 2 : 1);
            _pictures =
            [
                .. settings.Controls.Select(control =>
                    Keep(PictureTensors.FromPicture(PictureTensors.Fit(control.Image, plan.Size)).to(model.Device).expand(rows, -1, -1, -1))
                ),
            ];
            SetLatents(Noise.Draw(plan.LatentShape(model)) * Scheduler.InitNoiseSigma);
        }

        protected override UNetConditions Conditions(Tensor scaled, int i)
        {
            UNetConditions conditions = base.Conditions(scaled, i);
            bool halved = _guess && Guided;
            Tensor sample = halved ? scaled.chunk(2, 0)[1] : scaled;
            UNetConditions own = halved
                ? conditions with
                {
                    TextEmbeds = conditions.TextEmbeds?.chunk(2, 0)[1],
                    TimeIds = conditions.TimeIds?.chunk(2, 0)[1],
                }
                : conditions;
            Tensor[]? down = null;
            Tensor? mid = null;
            for (int c = 0; c < _settings.Controls.Count; c++)
            {
                ControlInput control = _settings.Controls[c];
                if (!Acts(control, i))
                {
                    continue;
                }

                ControlNetOutput output = control.Network.Forward(
                    sample,
                    Scheduler.Timesteps[i],
                    halved ? PromptEmbeddings(i) : Embeddings(i),
                    _pictures[c],
                    control.ConditioningScale,
                    _guess,
                    own
                );
                down = down is null ? [.. output.Down] : [.. down.Zip(output.Down, (sum, more) => sum + more)];
                mid = mid is null ? output.Mid : mid + output.Mid;
            }

            if (down is null || mid is null)
            {
                return conditions;
            }

            // In guess mode the unprompted half goes on as if there were no control.
            return halved
                ? conditions with
                {
                    DownResiduals = [.. down.Select(WithZeros)],
                    MidResidual = WithZeros(mid),
                }
                : conditions with
                {
                    DownResiduals = down,
                    MidResidual = mid,
                };
        }

        private static Tensor WithZeros(Tensor residual) => cat([zeros_like(residual), residual], 0);

        private bool Acts(ControlInput control, int i)
        {
            double steps = Scheduler.Timesteps.Count;
            return !(i / steps < control.GuidanceStart || (i + 1) / steps > control.GuidanceEnd);
        }
    }
}
