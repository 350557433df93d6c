using System.ComponentModel.DataAnnotations;

namespace Generation.Service;

/// <summary>One worker: configuration section "Worker".</summary>
public sealed record WorkerOptions
{
    public const string Section = "Worker";

    /// <summary>Its name, one for each process; drawn at the start when absent.</summary>
    [RegularExpression("[A-Za-z0-9._:-]{1,100}", ErrorMessage = "Worker:Id has 1 to 100 letters, digits, '.', '_', ':' and '-'.")]
    public string Id { get; set; } = $"{Environment.MachineName.ToLowerInvariant()}-{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>How many jobs compute at a time.</summary>
    [Range(1, 256)]
    public int Slots { get; set; } = 1;

    /// <summary>Names of the models that it runs; empty: all that the models folder has.</summary>
    public string[] Models { get; set; } = [];

    /// <summary>Threads of one computation; 0: as many as the machine has processors, shared between the slots.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>Loaded models may take so much memory, in MiB; 0: six tenths of what this process may use.</summary>
    [Range(0, 16_777_216)]
    public long ModelMemoryMiB { get; set; }

    /// <summary>Type that networks compute in. Pictures of one seed are equal byte for byte between workers of one type.</summary>
    [AllowedValues("float32", "bfloat16", "float16")]
    public string Dtype { get; set; } = "float32";

    /// <summary>Where networks compute: cpu, cuda, or cuda:N for the N-th device.</summary>
    [RegularExpression("cpu|cuda(:[0-9]{1,3})?", ErrorMessage = "Worker:Device is cpu, cuda or cuda:N.")]
    public string Device { get; set; } = "cpu";

    /// <summary>A job that has run longer than this fails; what hangs does not hold its slot for ever.</summary>
    [Range(0.1, 604_800)]
    public double JobLimitSeconds { get; set; } = 7200;

    public TimeSpan JobLimit => TimeSpan.FromSeconds(JobLimitSeconds);

    /// <summary>How long a stop may take before the process ends with its steps unfinished.</summary>
    [Range(0.1, 3600)]
    public double StopSeconds { get; set; } = 4;

    /// <summary>How long a finished file is kept in hand while the results store takes nothing, before the attempt fails.</summary>
    [Range(0.1, 86_400)]
    public double StoreSeconds { get; set; } = 60;

    public TimeSpan StoreTime => TimeSpan.FromSeconds(StoreSeconds);

    /// <summary>A job whose steps take no longer than this to end lets the next one in, which prepares meanwhile; 0: never.</summary>
    [Range(0, 60)]
    public double LookaheadSeconds { get; set; } = 0.3;

    public TimeSpan Lookahead => TimeSpan.FromSeconds(LookaheadSeconds);

    /// <summary>A running job shows a preview at most this often, and the first one not before; 0: after each step.</summary>
    [Range(0, 3600)]
    public double PreviewSeconds { get; set; } = 0.5;

    public TimeSpan PreviewInterval => TimeSpan.FromSeconds(PreviewSeconds);

    public TimeSpan StopTime => TimeSpan.FromSeconds(StopSeconds);
}

/// <summary>Where the models are: configuration section "Models".</summary>
public sealed record ModelsOptions
{
    public const string Section = "Models";

    /// <summary>Folder with a NAME.json for each model.</summary>
    [Required(ErrorMessage = "Models:Path must name the folder with the models' catalogue entries (NAME.json).")]
    public string Path { get; set; } = "";
}
