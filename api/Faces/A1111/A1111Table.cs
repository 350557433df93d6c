namespace Generation.Api.Faces.A1111;

/// <summary>
/// How names and defaults of this face become ours: table.json, with the configuration section "Faces:A1111" over it.
/// </summary>
internal sealed record A1111Table
{
    /// <summary>Host names by which requests are this face's, whatever their path is.</summary>
    public string[] Hosts { get; init; } = [];

    /// <summary>A port of its own, at whose root this face is; null: none.</summary>
    public int? Port { get; init; }

    /// <summary>The version of the web UI whose interface this is, as answers tell it.</summary>
    public string Version { get; init; } = "";

    /// <summary>The catalogue's name of the checkpoint of accounts that have chosen none; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>Most pictures of a call.</summary>
    public int MaxImages { get; init; } = 64;

    /// <summary>What fields are that a request leaves out.</summary>
    public A1111Defaults Defaults { get; init; } = new();

    /// <summary>Checkpoints as clients name them to names of the catalogue; empty: the default. "*" stands for all others.</summary>
    public Dictionary<string, string> Models { get; init; } = [];

    public Dictionary<string, A1111Sampler> Samplers { get; init; } = [];

    /// <summary>What the web UI calls schedulers: how the noise levels lie.</summary>
    public Dictionary<string, A1111Schedule> Schedules { get; init; } = [];

    /// <summary>Upscalers that clients know, to the catalogue's; empty: the default one.</summary>
    public Dictionary<string, string> Upscalers { get; init; } = [];

    /// <summary>What the numbers of resize_mode mean, in words.</summary>
    public string[] ResizeModes { get; init; } = [];

    /// <summary>What the numbers of inpainting_fill mean, in words.</summary>
    public string[] InpaintingFills { get; init; } = [];

    public A1111ControlNames Control { get; init; } = new();

    /// <summary>Always-on scripts that are not here, and without which the picture is what it would be with them.</summary>
    public string[] IgnoredScripts { get; init; } = [];

    /// <summary>Families of models whose guidance is distilled_cfg_scale.</summary>
    public string[] DistilledFamilies { get; init; } = [];

    public Dictionary<string, A1111Style> Styles { get; init; } = [];

    /// <summary>The options beside the checkpoint, with what they are where an account has not set them.</summary>
    public Dictionary<string, string> Options { get; init; } = [];
}

/// <summary>What fields are that a request leaves out: as in the web UI's API, which differs from its page.</summary>
internal sealed record A1111Defaults
{
    /// <summary>Empty: the model's own.</summary>
    public string Sampler { get; init; } = "";

    public int Steps { get; init; } = 50;

    public double CfgScale { get; init; } = 7;

    public int Width { get; init; } = 512;

    public int Height { get; init; } = 512;

    /// <summary>denoising_strength, of img2img and of the second pass of hires fix.</summary>
    public double Strength { get; init; } = 0.75;

    public double MaskBlur { get; init; } = 4;

    public double ImageCfgScale { get; init; } = 1.5;
}

/// <summary>A sampler of the web UI.</summary>
internal sealed record A1111Sampler
{
    /// <summary>The native scheduler without a shape of the noise levels.</summary>
    public string Native { get; init; } = "";

    /// <summary>The schedule that "automatic" is with it; empty: none of its own.</summary>
    public string Automatic { get; init; } = "";

    /// <summary>Whether the native scheduler is not the same, but the nearest that there is.</summary>
    public bool Nearest { get; init; }

    public string[] Aliases { get; init; } = [];
}

/// <summary>A schedule of the web UI.</summary>
internal sealed record A1111Schedule
{
    public string Label { get; init; } = "";

    /// <summary>What a native scheduler's name has at its end with this schedule.</summary>
    public string Suffix { get; init; } = "";

    /// <summary>Whether that is not the same, but the nearest that there is.</summary>
    public bool Nearest { get; init; }

    /// <summary>The exponent that its list item tells; below 0: none.</summary>
    public double Rho { get; init; } = -1;
}

/// <summary>Names of the ControlNet extension.</summary>
internal sealed record A1111ControlNames
{
    /// <summary>Words in the name of a model to the native types of control pictures.</summary>
    public Dictionary<string, string> Types { get; init; } = [];

    /// <summary>Preprocessors to native ones.</summary>
    public Dictionary<string, string> Modules { get; init; } = [];

    public Dictionary<string, string> ResizeModes { get; init; } = [];

    /// <summary>control_mode to balanced, prompt or control: which of both counts more.</summary>
    public Dictionary<string, string> Modes { get; init; } = [];
}

/// <summary>A style: words that are put around a prompt's, at "{prompt}", or else behind them.</summary>
internal sealed record A1111Style
{
    public string Prompt { get; init; } = "";

    public string NegativePrompt { get; init; } = "";
}
