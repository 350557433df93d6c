using System.Collections.Immutable;
using System.Text.Json;

namespace Generation.Schedules;

/// <summary>
/// The immutable settings of a scheduler: the class in diffusers that it corresponds to, and the values that scheduler_config.json gives. A
/// value that is not given has the default of that class (<see cref="SchedulerDefaults"/>), so that the same values under another class
/// mean what they mean in diffusers.
/// </summary>
public sealed record SchedulerConfig
{
    private SchedulerConfig(string className, ImmutableSortedDictionary<string, JsonElement> values)
    {
        ClassName = className;
        Values = values;
    }

    /// <summary>The class name of diffusers, for example "DDIMScheduler".</summary>
    public string ClassName { get; }

    /// <summary>The values that the file or the overrides give, without defaults.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Values { get; }

    /// <summary>Whether this is a schedule of rectified flows (FLUX).</summary>
    public bool IsFlow => ClassName is "FlowMatchEulerDiscreteScheduler" or "FlowMatchHeunDiscreteScheduler";

    public int NumTrainTimesteps => Integer("num_train_timesteps", 1);

    public double BetaStart => Number("beta_start");

    public double BetaEnd => Number("beta_end");

    /// <summary>One of linear, scaled_linear, squaredcos_cap_v2, sigmoid (DDPM) and exp (Heun).</summary>
    public string BetaSchedule => Text("beta_schedule");

    /// <summary>Betas that replace those of the schedule; null where none are given.</summary>
    public IReadOnlyList<double>? TrainedBetas => Numbers("trained_betas");

    /// <summary>One of epsilon, v_prediction, sample and flow_prediction.</summary>
    public string PredictionType => Text("prediction_type");

    /// <summary>One of linspace, leading and trailing (table 2 of arXiv 2305.08891).</summary>
    public string TimestepSpacing => Text("timestep_spacing");

    public int StepsOffset => Integer("steps_offset", int.MinValue);

    public bool RescaleBetasZeroSnr => Flag("rescale_betas_zero_snr");

    public bool ClipSample => Flag("clip_sample");

    public double ClipSampleRange => Number("clip_sample_range");

    public bool SetAlphaToOne => Flag("set_alpha_to_one");

    /// <summary>Whether the predicted picture is thresholded dynamically (arXiv 2205.11487), which is for models of pixels.</summary>
    public bool Thresholding => Flag("thresholding");

    public double DynamicThresholdingRatio => Number("dynamic_thresholding_ratio");

    public double SampleMaxValue => Number("sample_max_value");

    /// <summary>One of fixed_small, fixed_small_log, fixed_large, fixed_large_log, learned and learned_range; null where not set.</summary>
    public string? VarianceType => OptionalText("variance_type");

    public bool SkipPrkSteps => Flag("skip_prk_steps");

    public bool UseKarrasSigmas => Flag("use_karras_sigmas");

    public bool UseExponentialSigmas => Flag("use_exponential_sigmas");

    public bool UseBetaSigmas => Flag("use_beta_sigmas");

    public bool UseLuLambdas => Flag("use_lu_lambdas");

    public bool UseFlowSigmas => Flag("use_flow_sigmas");

    public double FlowShift => Number("flow_shift");

    public double? SigmaMin => OptionalNumber("sigma_min");

    public double? SigmaMax => OptionalNumber("sigma_max");

    /// <summary>One of linear and log_linear.</summary>
    public string InterpolationType => Text("interpolation_type");

    /// <summary>One of discrete and continuous.</summary>
    public string TimestepType => Text("timestep_type");

    /// <summary>One of zero and sigma_min.</summary>
    public string FinalSigmasType => Text("final_sigmas_type");

    public int SolverOrder => Integer("solver_order", 1);

    /// <summary>One of dpmsolver, dpmsolver++, sde-dpmsolver, sde-dpmsolver++, deis, data_prediction and noise_prediction.</summary>
    public string AlgorithmType => Text("algorithm_type");

    /// <summary>One of midpoint, heun, logrho, bh1 and bh2.</summary>
    public string SolverType => Text("solver_type");

    public bool LowerOrderFinal => Flag("lower_order_final");

    public bool EulerAtFinal => Flag("euler_at_final");

    public double LambdaMinClipped => Number("lambda_min_clipped");

    public bool PredictX0 => Flag("predict_x0");

    public IReadOnlyList<double> DisableCorrector => Numbers("disable_corrector") ?? [];

    public int PredictorOrder => Integer("predictor_order", 1);

    public int CorrectorOrder => Integer("corrector_order", 0);

    public int OriginalInferenceSteps => Integer("original_inference_steps", 1);

    public double TimestepScaling => Number("timestep_scaling");

    /// <summary>The static shift of a flow matching schedule towards its noisy end.</summary>
    public double Shift => Number("shift");

    public bool UseDynamicShifting => Flag("use_dynamic_shifting");

    public double BaseShift => Number("base_shift");

    public double MaxShift => Number("max_shift");

    public int BaseImageSeqLen => Integer("base_image_seq_len", 1);

    public int MaxImageSeqLen => Integer("max_image_seq_len", 1);

    public bool InvertSigmas => Flag("invert_sigmas");

    public double? ShiftTerminal => OptionalNumber("shift_terminal");

    /// <summary>One of exponential and linear.</summary>
    public string TimeShiftType => Text("time_shift_type");

    public bool StochasticSampling => Flag("stochastic_sampling");

    /// <summary>The config of a class with the defaults of all settings.</summary>
    /// <exception cref="SchedulerException">No scheduler has that class name.</exception>
    public static SchedulerConfig Of(string className)
    {
        SchedulerDefaults.Of(className);
        return new SchedulerConfig(className, ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal));
    }

    /// <summary>Reads scheduler_config.json, given as the file or as the folder that holds it.</summary>
    /// <exception cref="SchedulerException">The file cannot be read, or is not such a config.</exception>
    public static SchedulerConfig Load(string path)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, "scheduler_config.json") : path;
        try
        {
            return Parse(File.ReadAllText(file));
        }
        catch (JsonException e)
        {
            throw new SchedulerException($"{file} is not JSON: {e.Message}");
        }
        catch (SchedulerException e)
        {
            throw new SchedulerException($"{file}: {e.Message}");
        }
    }

    /// <summary>Parses the text of scheduler_config.json.</summary>
    public static SchedulerConfig Parse(string json) => FromJson(PythonJson.Parse(json));

    /// <summary>
    /// Reads a config object. Its class is <paramref name="className"/> or, where that is null, what the object gives as "_class_name" or
    /// "class".
    /// </summary>
    public static SchedulerConfig FromJson(JsonElement root, string? className = null)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new SchedulerException($"a scheduler config is a JSON object, not {root.ValueKind}");
        }

        foreach (string key in ClassKeys)
        {
            if (className is null && root.TryGetProperty(key, out JsonElement name) && name.ValueKind == JsonValueKind.String)
            {
                className = name.GetString();
            }
        }

        if (className is null)
        {
            throw new SchedulerException("the scheduler config does not name its class (_class_name)");
        }

        SchedulerDefaults.Of(className);
        // A file may carry values of other classes and of newer versions: they are kept aside, as diffusers does.
        var values = root.EnumerateObject()
            .Where(p => !p.Name.StartsWith('_') && SchedulerDefaults.IsKnown(p.Name))
            .ToImmutableSortedDictionary(p => p.Name, p => p.Value.Clone(), StringComparer.Ordinal);
        return new SchedulerConfig(className, values).Checked();
    }

    /// <summary>The content of a scheduler_config.json, which <see cref="FromJson"/> reads back.</summary>
    public JsonElement ToJson() =>
        JsonSerializer.SerializeToElement(Values.Add(ClassKeys[0], JsonSerializer.SerializeToElement(ClassName)));

    /// <summary>The same values under another class.</summary>
    public SchedulerConfig As(string className)
    {
        SchedulerDefaults.Of(className);
        return new SchedulerConfig(className, Values).Checked();
    }

    /// <summary>The config with one value replaced; null restores the default.</summary>
    /// <exception cref="SchedulerException">No scheduler has that setting, or the value is of the wrong type.</exception>
    public SchedulerConfig With(string name, object? value)
    {
        if (!SchedulerDefaults.IsKnown(name))
        {
            throw new SchedulerException($"no scheduler has a setting '{name}'");
        }

        ImmutableSortedDictionary<string, JsonElement> values = value switch
        {
            null => Values.Remove(name),
            double d when !double.IsFinite(d) => Values.SetItem(
                name,
                JsonSerializer.SerializeToElement(
                    double.IsNaN(d) ? "NaN"
                    : d > 0 ? "Infinity"
                    : "-Infinity"
                )
            ),
            _ => Values.SetItem(name, JsonSerializer.SerializeToElement(value)),
        };
        return new SchedulerConfig(ClassName, values).Checked();
    }

    /// <summary>The config with several values replaced.</summary>
    public SchedulerConfig With(IEnumerable<KeyValuePair<string, object?>> overrides) =>
        overrides.Aggregate(this, (config, pair) => config.With(pair.Key, pair.Value));

    /// <summary>Whether this class has a setting of that name.</summary>
    public bool Has(string name) => SchedulerDefaults.Of(ClassName).ContainsKey(name);

    private static readonly string[] ClassKeys = ["_class_name", "class"];

    // Every value that the class reads is read once, so that a wrong kind is told at once and not in the middle of a run.
    private SchedulerConfig Checked()
    {
        foreach ((string? name, object? fallback) in SchedulerDefaults.Of(ClassName))
        {
            if (Values.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
            {
                SchedulerDefaults.CheckKind(ClassName, name, fallback, value);
            }
        }

        if (TrainedBetas is { } betas && betas.Count != NumTrainTimesteps && Has("trained_betas"))
        {
            throw new SchedulerException($"trained_betas has {betas.Count} values, and num_train_timesteps is {NumTrainTimesteps}");
        }

        return this;
    }

    private JsonElement? Given(string name) =>
        Values.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null && Has(name) ? value : null;

    // A setting that a class does not have takes its neutral value: false, the empty text, not a number.
    private T Default<T>(string name, T neutral) =>
        SchedulerDefaults.Of(ClassName).TryGetValue(name, out object? value) && value is T typed ? typed : neutral;

    private double Number(string name) => Given(name) is { } given ? PythonJson.Number(given) : Default(name, double.NaN);

    private double? OptionalNumber(string name) => Given(name) is { } given ? PythonJson.Number(given) : null;

    private int Integer(string name, int minimum)
    {
        int value = (int)(Given(name) is { } given ? PythonJson.Number(given) : Default(name, 0d));
        return value >= minimum ? value : throw new SchedulerException($"{name} is {value}; it must be at least {minimum}");
    }

    private bool Flag(string name) => Given(name) is { } given ? given.GetBoolean() : Default(name, false);

    private string Text(string name) => Given(name) is { } given ? given.GetString()! : Default(name, "");

    private string? OptionalText(string name) => Given(name) is { } given ? given.GetString() : Default<string?>(name, null);

    private double[]? Numbers(string name) =>
        Given(name) is { } given ? [.. given.EnumerateArray().Select(e => PythonJson.Number(e))] : null;
}

/// <summary>A scheduler cannot do what is asked of it. The message names the setting, its value and what is allowed.</summary>
public sealed class SchedulerException : ArgumentException
{
    public SchedulerException(string message)
        : base(message) { }
}
