using System.Collections.Frozen;
using System.Text.Json;

namespace Generation.Schedules;

/// <summary>
/// The settings that each scheduler class has and their defaults: the constructor arguments in diffusers 0.35.2. The default of a number is
/// a double, of a choice a string, of a switch a bool; a setting without a default has its JSON type instead.
/// </summary>
internal static class SchedulerDefaults
{
    private enum Absent
    {
        Number,
        Text,
        Numbers,
    }

    private static readonly (string, object)[] Training =
    [
        ("num_train_timesteps", 1000d),
        ("beta_start", 0.0001),
        ("beta_end", 0.02),
        ("beta_schedule", "linear"),
        ("trained_betas", Absent.Numbers),
        ("prediction_type", "epsilon"),
    ];

    private static readonly (string, object)[] LatentBetas = [("beta_start", 0.00085), ("beta_end", 0.012)];

    private static readonly (string, object)[] Leading = [("timestep_spacing", "leading"), ("steps_offset", 0d)];

    private static readonly (string, object)[] Linspace = [("timestep_spacing", "linspace"), ("steps_offset", 0d)];

    private static readonly (string, object)[] Thresholding =
    [
        ("thresholding", false),
        ("dynamic_thresholding_ratio", 0.995),
        ("sample_max_value", 1d),
    ];

    private static readonly (string, object)[] SigmaShapes =
    [
        ("use_karras_sigmas", false),
        ("use_exponential_sigmas", false),
        ("use_beta_sigmas", false),
        ("sigma_min", Absent.Number),
        ("sigma_max", Absent.Number),
    ];

    private static readonly (string, object)[] FlowSigmas = [("use_flow_sigmas", false), ("flow_shift", 1d)];

    private static readonly (string, object)[] DynamicShift = [("use_dynamic_shifting", false), ("time_shift_type", "exponential")];

    private static readonly (string, object)[] ZeroSnr = [("rescale_betas_zero_snr", false)];

    private static readonly (string, object)[] Solver = [("solver_order", 2d), ("lower_order_final", true)];

    private static readonly (string, object)[] DpmSolver =
    [
        ("algorithm_type", "dpmsolver++"),
        ("solver_type", "midpoint"),
        ("final_sigmas_type", "zero"),
        ("lambda_min_clipped", double.NegativeInfinity),
        ("variance_type", Absent.Text),
    ];

    private static readonly (string, object)[] Consistency =
    [
        ("beta_schedule", "scaled_linear"),
        ("original_inference_steps", 50d),
        ("clip_sample", false),
        ("clip_sample_range", 1d),
        ("set_alpha_to_one", true),
        ("timestep_scaling", 10d),
    ];

    private static readonly FrozenDictionary<string, FrozenDictionary<string, object>> Classes = new Dictionary<
        string,
        FrozenDictionary<string, object>
    >(StringComparer.Ordinal)
    {
        ["DDIMScheduler"] = Join(
            Training,
            Leading,
            Thresholding,
            ZeroSnr,
            [("clip_sample", true), ("clip_sample_range", 1d), ("set_alpha_to_one", true)]
        ),
        ["DDPMScheduler"] = Join(
            Training,
            Leading,
            Thresholding,
            ZeroSnr,
            [("clip_sample", true), ("clip_sample_range", 1d), ("variance_type", "fixed_small")]
        ),
        ["PNDMScheduler"] = Join(Training, Leading, [("skip_prk_steps", false), ("set_alpha_to_one", false)]),
        ["LMSDiscreteScheduler"] = Join(Training, Linspace, SigmaShapes),
        ["EulerDiscreteScheduler"] = Join(
            Training,
            Linspace,
            SigmaShapes,
            ZeroSnr,
            [("interpolation_type", "linear"), ("timestep_type", "discrete"), ("final_sigmas_type", "zero")]
        ),
        ["EulerAncestralDiscreteScheduler"] = Join(Training, Linspace, ZeroSnr),
        ["HeunDiscreteScheduler"] = Join(Training, LatentBetas, Linspace, SigmaShapes, [("clip_sample", false), ("clip_sample_range", 1d)]),
        ["KDPM2DiscreteScheduler"] = Join(Training, LatentBetas, Linspace, SigmaShapes),
        ["KDPM2AncestralDiscreteScheduler"] = Join(Training, LatentBetas, Linspace, SigmaShapes),
        ["DPMSolverMultistepScheduler"] = Join(
            Training,
            Linspace,
            Thresholding,
            SigmaShapes,
            FlowSigmas,
            DynamicShift,
            ZeroSnr,
            Solver,
            DpmSolver,
            [("euler_at_final", false), ("use_lu_lambdas", false)]
        ),
        ["DPMSolverSinglestepScheduler"] = Join(
            Training,
            Thresholding,
            SigmaShapes,
            FlowSigmas,
            DynamicShift,
            Solver,
            DpmSolver,
            [("lower_order_final", false)]
        ),
        ["DEISMultistepScheduler"] = Join(
            Training,
            Linspace,
            Thresholding,
            SigmaShapes,
            FlowSigmas,
            DynamicShift,
            Solver,
            [("algorithm_type", "deis"), ("solver_type", "logrho")]
        ),
        ["UniPCMultistepScheduler"] = Join(
            Training,
            Linspace,
            Thresholding,
            SigmaShapes,
            FlowSigmas,
            DynamicShift,
            ZeroSnr,
            Solver,
            [("solver_type", "bh2"), ("predict_x0", true), ("disable_corrector", Absent.Numbers), ("final_sigmas_type", "zero")]
        ),
        ["SASolverScheduler"] = Join(
            Training,
            Linspace,
            Thresholding,
            SigmaShapes,
            FlowSigmas,
            [
                ("algorithm_type", "data_prediction"),
                ("predictor_order", 2d),
                ("corrector_order", 2d),
                ("lower_order_final", true),
                ("lambda_min_clipped", double.NegativeInfinity),
                ("variance_type", Absent.Text),
            ]
        ),
        ["LCMScheduler"] = Join(Training, LatentBetas, Leading, Thresholding, ZeroSnr, Consistency),
        ["TCDScheduler"] = Join(Training, LatentBetas, Leading, Thresholding, ZeroSnr, Consistency),
        ["FlowMatchEulerDiscreteScheduler"] = Join(
            [
                ("num_train_timesteps", 1000d),
                ("shift", 1d),
                ("base_shift", 0.5),
                ("max_shift", 1.15),
                ("base_image_seq_len", 256d),
                ("max_image_seq_len", 4096d),
                ("invert_sigmas", false),
                ("shift_terminal", Absent.Number),
                ("stochastic_sampling", false),
            ],
            SigmaShapes,
            DynamicShift
        ),
        ["FlowMatchHeunDiscreteScheduler"] = Join([("num_train_timesteps", 1000d), ("shift", 1d)]),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Known = Classes.Values.SelectMany(c => c.Keys).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The class names, sorted.</summary>
    public static IReadOnlyCollection<string> ClassNames { get; } = [.. Classes.Keys.Order(StringComparer.Ordinal)];

    public static FrozenDictionary<string, object> Of(string className) =>
        Classes.TryGetValue(className, out FrozenDictionary<string, object>? defaults)
            ? defaults
            : throw new SchedulerException($"there is no scheduler class '{className}'; there are {string.Join(", ", ClassNames)}");

    public static bool IsKnown(string setting) => Known.Contains(setting);

    public static void CheckKind(string className, string name, object fallback, JsonElement value)
    {
        (bool fits, string? kind) = fallback switch
        {
            double or Absent.Number => (IsNumber(value), "a number"),
            string or Absent.Text => (value.ValueKind == JsonValueKind.String, "a text"),
            bool => (value.ValueKind is JsonValueKind.True or JsonValueKind.False, "true or false"),
            _ => (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(IsNumber), "a list of numbers"),
        };
        if (!fits)
        {
            throw new SchedulerException($"{name} of {className} is {value.GetRawText()}; it must be {kind}");
        }
    }

    // PythonJson has the words that JSON lacks as strings.
    private static bool IsNumber(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number
        || (value.ValueKind == JsonValueKind.String && value.GetString() is "Infinity" or "-Infinity" or "NaN");

    // A later group overrides an earlier one.
    private static FrozenDictionary<string, object> Join(params (string Name, object Value)[][] groups)
    {
        var joined = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach ((string? name, object? value) in groups.SelectMany(g => g))
        {
            joined[name] = value;
        }

        return joined.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
