namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// How names and limits of this face become ours: table.json, with the configuration section "Faces:ComfyUi" over it.
/// </summary>
internal sealed record ComfyTable
{
    /// <summary>Host names by which requests are this face's, whatever their path is.</summary>
    public string[] Hosts { get; init; } = [];

    /// <summary>A port of its own, at whose root this face is; null: none.</summary>
    public int? Port { get; init; }

    /// <summary>
    /// The key of calls that bring none, for clients that cannot; empty: there is none. Pages of other origins cannot make use of it.
    /// </summary>
    public string Key { get; init; } = "";

    /// <summary>The version of ComfyUI whose interface this is, as answers tell it.</summary>
    public string Version { get; init; } = "";

    /// <summary>The catalogue's name of the checkpoint that names mapped to "" stand for; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>Most nodes of a graph.</summary>
    public int MaxNodes { get; init; } = 500;

    /// <summary>Most jobs of a graph.</summary>
    public int MaxJobs { get; init; } = 32;

    /// <summary>Most sockets of this process, of all accounts.</summary>
    public int MaxSockets { get; init; } = 256;

    /// <summary>Most sockets of an account in this process.</summary>
    public int MaxSocketsOfAccount { get; init; } = 16;

    /// <summary>A socket is closed after so many seconds; clients open another.</summary>
    public double SocketSeconds { get; init; } = 43_200;

    /// <summary>A socket that does not take a frame within so many seconds is given up.</summary>
    public double SendSeconds { get; init; } = 10;

    /// <summary>For so long graphs, names of inputs, and what was deleted from the history are remembered.</summary>
    public double HistorySeconds { get; init; } = 86_400;

    /// <summary>Checkpoints as clients name them to names of the catalogue; empty: the default. "*" stands for all others.</summary>
    public Dictionary<string, string> Models { get; init; } = [];

    public Dictionary<string, ComfySampler> Samplers { get; init; } = [];

    /// <summary>What ComfyUI calls schedulers: how the noise levels lie, as the end of a native scheduler's name.</summary>
    public Dictionary<string, ComfySchedule> Schedulers { get; init; } = [];

    /// <summary>Families of models whose guidance is that of FluxGuidance.</summary>
    public string[] DistilledFamilies { get; init; } = [];

    /// <summary>Files of text encoders that lists show; whichever is named, the model's own are taken.</summary>
    public string[] Encoders { get; init; } = [];

    /// <summary>Files of autoencoders that stand for the model's own.</summary>
    public string[] OwnVaes { get; init; } = [];

    /// <summary>Upscale models that clients know, to the catalogue's; empty: the default one.</summary>
    public Dictionary<string, string> Upscalers { get; init; } = [];

    /// <summary>Words in the name of a control network to the native types of control pictures.</summary>
    public Dictionary<string, string> ControlTypes { get; init; } = [];

    public TimeSpan Remembered => TimeSpan.FromSeconds(HistorySeconds);
}

/// <summary>A sampler of ComfyUI.</summary>
internal sealed record ComfySampler
{
    /// <summary>The native scheduler without a shape of the noise levels.</summary>
    public string Native { get; init; } = "";

    /// <summary>Whether that is not the same, but the nearest that there is.</summary>
    public bool Nearest { get; init; }
}

/// <summary>A scheduler of ComfyUI.</summary>
internal sealed record ComfySchedule
{
    /// <summary>What a native scheduler's name has at its end with it.</summary>
    public string Suffix { get; init; } = "";
}
