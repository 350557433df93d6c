namespace Generation.Schedules;

/// <summary>A scheduler by the name that requests use.</summary>
/// <param name="Name">The canonical name, for example "dpmpp_2m_karras".</param>
/// <param name="Title">The name as people know it, for example "DPM++ 2M Karras".</param>
/// <param name="Description">A sentence for people: what the scheduler is, and how many steps it needs.</param>
/// <param name="ClassName">The name of its class in diffusers.</param>
/// <param name="Settings">The settings that the name implies; null is the class's default.</param>
/// <param name="Aliases">Its names in other services and programs.</param>
public sealed record NamedScheduler(
    string Name,
    string Title,
    string Description,
    string ClassName,
    IReadOnlyDictionary<string, object?> Settings,
    IReadOnlyList<string> Aliases
);

/// <summary>
/// The names of schedulers that clients use (Dezgo, ModelsLab, Stablecog, A1111, diffusers and ours), as data. Case, spaces, underscores
/// and hyphens make no difference, and "++" is "pp".
/// </summary>
public static class SchedulerNames
{
    /// <summary>The name of the model's own scheduler, which its scheduler_config.json describes.</summary>
    public const string Auto = "auto";

    private const string Flow = "FlowMatchEulerDiscreteScheduler";

    private const string FlowHeun = "FlowMatchHeunDiscreteScheduler";

    // A shape of the noise levels is part of a name: the model's own shape does not stay under a name that has none.
    private static readonly (string Setting, object? Value)[] Plain =
    [
        ("use_karras_sigmas", false),
        ("use_exponential_sigmas", false),
        ("use_beta_sigmas", false),
        ("use_lu_lambdas", false),
    ];

    private static readonly (string Setting, object? Value)[] Solver =
    [
        .. Plain,
        ("algorithm_type", null),
        ("solver_type", null),
        ("solver_order", null),
        ("lower_order_final", null),
        ("final_sigmas_type", null),
    ];

    private static readonly (string Setting, object? Value)[] Karras = [("use_karras_sigmas", true)];

    private static readonly (string Setting, object? Value)[] Sde = [("algorithm_type", "sde-dpmsolver++")];

    private static readonly Dictionary<string, string> Methods = new(StringComparer.Ordinal)
    {
        ["DDIMScheduler"] = "Denoising diffusion implicit models: deterministic, a first choice for image to image; 20 to 50 steps",
        ["DDPMScheduler"] = "The ancestral method of the first diffusion models: noise in every step; 100 steps and more",
        ["PNDMScheduler"] = "Pseudo linear multistep: deterministic; 20 to 50 steps and one call more",
        ["LMSDiscreteScheduler"] = "Linear multistep of order four: deterministic; 20 to 40 steps",
        ["EulerDiscreteScheduler"] = "The simplest solver: deterministic, quick to a clean picture; 20 to 30 steps",
        ["EulerAncestralDiscreteScheduler"] =
            "Euler with fresh noise in every step: lively, and different at each number of steps; 20 to 40",
        ["HeunDiscreteScheduler"] = "Second order: twice the calls of a step for a closer result; 10 to 25 steps",
        ["KDPM2DiscreteScheduler"] = "Midpoint method: twice the calls of a step; 10 to 25 steps",
        ["KDPM2AncestralDiscreteScheduler"] = "Midpoint method with fresh noise in every step: twice the calls of a step; 10 to 25 steps",
        ["DPMSolverMultistepScheduler"] = "DPM-Solver++, multistep: close results in few steps; 15 to 30",
        ["DPMSolverSinglestepScheduler"] = "DPM-Solver++, singlestep: close results in few steps; 15 to 30",
        ["DEISMultistepScheduler"] = "Exponential integrator: close results in few steps; 10 to 25",
        ["UniPCMultistepScheduler"] = "Predictor and corrector in one call: close results in the fewest steps; 8 to 20",
        ["SASolverScheduler"] = "Stochastic Adams solver: noise in the middle of the run; 20 to 50 steps",
        ["LCMScheduler"] = "For latent consistency models and LoRAs: 2 to 8 steps at a low guidance",
        ["TCDScheduler"] = "For models and LoRAs of trajectory consistency distillation: 2 to 8 steps at a low guidance",
        ["FlowMatchEulerDiscreteScheduler"] = "Euler steps for flow models such as FLUX: 4 steps where distilled, else 20 to 50",
        ["FlowMatchHeunDiscreteScheduler"] = "Heun's method for flow models: twice the calls of a step",
    };

    private static readonly (string Setting, object Value, string Text)[] Variants =
    [
        ("algorithm_type", "sde-dpmsolver++", "stochastic"),
        ("solver_order", 3, "third order"),
        ("solver_type", "heun", "Heun variant"),
        ("use_karras_sigmas", true, "Karras noise levels"),
        ("use_exponential_sigmas", true, "exponential noise levels"),
        ("use_beta_sigmas", true, "beta noise levels"),
        ("use_lu_lambdas", true, "noise levels even in lambda"),
    ];

    /// <summary>All schedulers, by the canonical names that /v1/schedulers lists.</summary>
    public static IReadOnlyList<NamedScheduler> All { get; } =
    [
        // Names without a form of their own for latent models go to their nearest kin: DDIM inverted, the variance exploding ones of the
        // first
        // papers, A1111's Restart (Heun with returns) and its singlestep solvers with steps of their own choice (fast, adaptive)
        Make("ddim", "DDIM", "DDIMScheduler", [], "DDIM", "DDIMInverseScheduler", "DDIM CFG++"),
        Make("ddpm", "DDPM", "DDPMScheduler", [], "DDPM"),
        Make("pndm", "PNDM", "PNDMScheduler", [("skip_prk_steps", true)], "PLMS", "P_SAMPLER", "IPNDM", "IPNDMScheduler"),
        Make("lms", "LMS", "LMSDiscreteScheduler", Plain, "k_lms", "LMSDiscrete"),
        Make("lms_karras", "LMS Karras", "LMSDiscreteScheduler", [.. Plain, .. Karras], "k_lms_karras"),
        Make("euler", "Euler", "EulerDiscreteScheduler", Plain, "K_EULER", "EulerDiscrete"),
        Make("euler_karras", "Euler Karras", "EulerDiscreteScheduler", [.. Plain, .. Karras], "k_euler_karras", "KarrasVeScheduler"),
        Make("euler_exponential", "Euler Exponential", "EulerDiscreteScheduler", [.. Plain, ("use_exponential_sigmas", true)]),
        Make("euler_beta", "Euler Beta", "EulerDiscreteScheduler", [.. Plain, ("use_beta_sigmas", true)]),
        Make(
            "euler_a",
            "Euler a",
            "EulerAncestralDiscreteScheduler",
            [],
            "K_EULER_ANCESTRAL",
            "EulerAncestralDiscrete",
            "Euler Ancestral",
            "ScoreSdeVeScheduler"
        ),
        Make("heun", "Heun", "HeunDiscreteScheduler", Plain, "k_heun", "HeunDiscrete"),
        Make("heun_karras", "Heun Karras", "HeunDiscreteScheduler", [.. Plain, .. Karras], "k_heun_karras", "Restart"),
        Make("dpm2", "DPM2", "KDPM2DiscreteScheduler", Plain, "k_dpm_2", "KDPM2Discrete", "KDPM2"),
        Make("dpm2_karras", "DPM2 Karras", "KDPM2DiscreteScheduler", [.. Plain, .. Karras], "k_dpm_2_karras"),
        Make(
            "dpm2_a",
            "DPM2 a",
            "KDPM2AncestralDiscreteScheduler",
            Plain,
            "k_dpm_2_a",
            "k_dpm_2_ancestral",
            "KDPM2AncestralDiscrete",
            "DPM2 Ancestral"
        ),
        Make("dpm2_a_karras", "DPM2 a Karras", "KDPM2AncestralDiscreteScheduler", [.. Plain, .. Karras], "k_dpm_2_ancestral_karras"),
        Make("dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler", Solver, "dpm", "DPMSolverMultistep", "dpmsolver", "dpmsolver++"),
        Make("dpmpp_2m_karras", "DPM++ 2M Karras", "DPMSolverMultistepScheduler", [.. Solver, .. Karras], "dpm_karras"),
        Make("dpmpp_2m_exponential", "DPM++ 2M Exponential", "DPMSolverMultistepScheduler", [.. Solver, ("use_exponential_sigmas", true)]),
        Make("dpmpp_2m_lu", "DPM++ 2M Lu", "DPMSolverMultistepScheduler", [.. Solver, ("use_lu_lambdas", true)]),
        Make("dpmpp_2m_sde", "DPM++ 2M SDE", "DPMSolverMultistepScheduler", [.. Solver, .. Sde], "sde-dpmsolver++"),
        Make("dpmpp_2m_sde_karras", "DPM++ 2M SDE Karras", "DPMSolverMultistepScheduler", [.. Solver, .. Sde, .. Karras]),
        Make(
            "dpmpp_2m_sde_exponential",
            "DPM++ 2M SDE Exponential",
            "DPMSolverMultistepScheduler",
            [.. Solver, .. Sde, ("use_exponential_sigmas", true)]
        ),
        Make("dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun", "DPMSolverMultistepScheduler", [.. Solver, .. Sde, ("solver_type", "heun")]),
        Make(
            "dpmpp_2m_sde_heun_karras",
            "DPM++ 2M SDE Heun Karras",
            "DPMSolverMultistepScheduler",
            [.. Solver, .. Sde, ("solver_type", "heun"), .. Karras]
        ),
        Make(
            "dpmpp_2m_sde_heun_exponential",
            "DPM++ 2M SDE Heun Exponential",
            "DPMSolverMultistepScheduler",
            [.. Solver, .. Sde, ("solver_type", "heun"), ("use_exponential_sigmas", true)]
        ),
        Make("dpmpp_3m", "DPM++ 3M", "DPMSolverMultistepScheduler", [.. Solver, ("solver_order", 3)]),
        Make("dpmpp_3m_karras", "DPM++ 3M Karras", "DPMSolverMultistepScheduler", [.. Solver, ("solver_order", 3), .. Karras]),
        Make("dpmpp_3m_sde", "DPM++ 3M SDE", "DPMSolverMultistepScheduler", [.. Solver, .. Sde, ("solver_order", 3)]),
        Make(
            "dpmpp_3m_sde_karras",
            "DPM++ 3M SDE Karras",
            "DPMSolverMultistepScheduler",
            [.. Solver, .. Sde, ("solver_order", 3), .. Karras]
        ),
        Make(
            "dpmpp_3m_sde_exponential",
            "DPM++ 3M SDE Exponential",
            "DPMSolverMultistepScheduler",
            [.. Solver, .. Sde, ("solver_order", 3), ("use_exponential_sigmas", true)]
        ),
        Make(
            "dpmpp_2s",
            "DPM++ 2S",
            "DPMSolverSinglestepScheduler",
            Solver,
            "dpm_single",
            "DPMSolverSinglestep",
            "DPM++ 2S a",
            "DPM++ SDE",
            "DPM fast",
            "DPM adaptive"
        ),
        Make(
            "dpmpp_2s_karras",
            "DPM++ 2S Karras",
            "DPMSolverSinglestepScheduler",
            [.. Solver, .. Karras],
            "dpm_single_karras",
            "DPM++ 2S a Karras",
            "DPM++ SDE Karras"
        ),
        Make("deis", "DEIS", "DEISMultistepScheduler", Solver, "DEISMultistep"),
        Make("deis_karras", "DEIS Karras", "DEISMultistepScheduler", [.. Solver, .. Karras]),
        Make("unipc", "UniPC", "UniPCMultistepScheduler", Solver, "UNI_PC", "UniPCMultistep"),
        Make("unipc_karras", "UniPC Karras", "UniPCMultistepScheduler", [.. Solver, .. Karras]),
        Make("sa_solver", "SA-Solver", "SASolverScheduler", [.. Plain, ("algorithm_type", null), ("lower_order_final", null)], "SASolver"),
        Make("lcm", "LCM", "LCMScheduler", [], "LCM"),
        Make("tcd", "TCD", "TCDScheduler", [], "TCD"),
        Make("flow_euler", "Flow Euler", Flow, [], "FlowMatchEulerDiscrete", "FlowMatchEuler"),
        Make("flow_heun", "Flow Heun", FlowHeun, [], "FlowMatchHeunDiscrete", "FlowMatchHeun"),
    ];

    private static readonly Dictionary<string, NamedScheduler> ByName = Index();

    /// <summary>The scheduler that has a name or alias; null where none has.</summary>
    public static NamedScheduler? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.GetValueOrDefault(Normalized(name));
    }

    /// <summary>
    /// The config of a named scheduler for a model: the model's own values (betas, prediction type, spacing) under the named class with its
    /// settings.
    /// </summary>
    /// <param name="name">A name or alias, or <see cref="Auto"/> for the model's own.</param>
    /// <param name="model">The model's scheduler_config.json.</param>
    /// <exception cref="SchedulerException">No scheduler has that name, or it does not fit the model.</exception>
    public static SchedulerConfig Resolve(string name, SchedulerConfig model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (string.Equals(Normalized(name), Auto, StringComparison.Ordinal))
        {
            return model;
        }

        NamedScheduler named = Find(name)
            ?? throw new SchedulerException($"there is no scheduler '{name}'; there are {string.Join(", ", Names(model))}");
        if (!Fits(named, model))
        {
            // The plain methods have a form for flows, which people mean by the same name.
            named = named.Name switch
            {
                "euler" => Find("flow_euler")!,
                "heun" => Find("flow_heun")!,
                _ => throw new SchedulerException($"scheduler '{name}' does not fit this model; it has {string.Join(", ", Names(model))}"),
            };
            if (!Fits(named, model))
            {
                throw new SchedulerException($"scheduler '{name}' does not fit this model; it has {string.Join(", ", Names(model))}");
            }
        }

        return model
            .As(named.ClassName)
            .With(named.Settings.Where(s => s.Value is null || SchedulerDefaults.Of(named.ClassName).ContainsKey(s.Key)));
    }

    /// <summary>
    /// The canonical names of the schedulers that fit a model: those for flows for a flow model, all others for other models.
    /// </summary>
    public static IReadOnlyList<string> Names(SchedulerConfig model) => [.. All.Where(n => Fits(n, model)).Select(n => n.Name)];

    private static bool Fits(NamedScheduler named, SchedulerConfig model) => (named.ClassName is Flow or FlowHeun) == model.IsFlow;

    private static string Normalized(string name) =>
        string.Concat(name.Where(c => char.IsAsciiLetterOrDigit(c) || c == '+').Select(c => c == '+' ? 'p' : char.ToLowerInvariant(c)));

    private static NamedScheduler Make(
        string name,
        string title,
        string className,
        (string Setting, object? Value)[] settings,
        params string[] aliases
    )
    {
        var joined = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string? setting, object? value) in settings)
        {
            joined[setting] = value;
        }

        IEnumerable<string> variants = Variants
            .Where(v => joined.TryGetValue(v.Setting, out object? value) && v.Value.Equals(value))
            .Select(v => $"; {v.Text}");
        return new NamedScheduler(name, title, $"{Methods[className]}{string.Concat(variants)}.", className, joined, aliases);
    }

    private static Dictionary<string, NamedScheduler> Index()
    {
        var index = new Dictionary<string, NamedScheduler>(StringComparer.Ordinal);
        foreach (NamedScheduler named in All)
        {
            // The class's name belongs to the first entry of that class, its plain form.
            foreach (string alias in (string[])[named.Name, named.Title, .. named.Aliases])
            {
                if (!index.TryAdd(Normalized(alias), named) && index[Normalized(alias)] != named)
                {
                    throw new InvalidOperationException($"two schedulers are called '{alias}'");
                }
            }

            index.TryAdd(Normalized(named.ClassName), named);
        }

        return index;
    }
}
