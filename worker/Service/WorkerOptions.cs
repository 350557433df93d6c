using System.ComponentModel.DataAnnotations;

namespace Generation.Service;

/// <summary>The settings of one worker, configuration section "Worker".</summary>
public sealed record WorkerOptions
{
    public const string Section = "Worker";

    /// <summary>The worker's name, which no other process may have; drawn at the start when absent.</summary>
    [RegularExpression("[A-Za-z0-9._:-]{1,100}", ErrorMessage = "Worker:Id has 1 to 100 letters, digits, '.', '_', ':' and '-'.")]
    public string Id { get; set; } = $"{Environment.MachineName.ToLowerInvariant()}-{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>How many jobs compute at a time.</summary>
    [Range(1, 256)]
    public int Slots { get; set; } = 1;

    /// <summary>The names of the models that this worker runs; empty for all models in the folder.</summary>
    public string[] Models { get; set; } = [];

    /// <summary>The number of threads of one computation; 0 for as many as the machine has processors, shared between the slots.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>How much memory loaded models may take, in MiB; 0 for six tenths of the memory that this process may use.</summary>
    [Range(0, 16_777_216)]
    public long ModelMemoryMiB { get; set; }

    /// <summary>
    /// The number type that networks compute in: float32, bfloat16 or float16. Pictures of one seed are equal byte for byte between workers
    /// with the same type.
    /// </summary>
    [AllowedValues("float32", "bfloat16", "float16")]
    public string Dtype { get; set; } = "float32";

    /// <summary>Where networks compute: cpu, cuda, or cuda:N for the N-th device.</summary>
    [RegularExpression("cpu|cuda(:[0-9]{1,3})?", ErrorMessage = "Worker:Device is cpu, cuda or cuda:N.")]
    public string Device { get; set; } = "cpu";

    /// <summary>
    /// How long a job may run, in seconds. A job that takes longer fails, so that one that hangs does not hold its slot for ever.
    /// </summary>
    [Range(0.1, 604_800)]
    public double JobLimitSeconds { get; set; } = 7200;

    public TimeSpan JobLimit => TimeSpan.FromSeconds(JobLimitSeconds);

    /// <summary>How long a shutdown may take, in seconds, before the process ends with steps unfinished.</summary>
    [Range(0.1, 3600)]
    public double StopSeconds { get; set; } = 4;

    /// <summary>
    /// How long storing a finished file is retried while the results store takes nothing, in seconds, before the attempt fails.
    /// </summary>
    [Range(0.1, 86_400)]
    public double StoreSeconds { get; set; } = 60;

    public TimeSpan StoreTime => TimeSpan.FromSeconds(StoreSeconds);

    /// <summary>
    /// A job whose remaining steps take no longer than this, in seconds, lets the next job in, which prepares meanwhile; 0: never.
    /// </summary>
    [Range(0, 60)]
    public double LookaheadSeconds { get; set; } = 0.3;

    public TimeSpan Lookahead => TimeSpan.FromSeconds(LookaheadSeconds);

    /// <summary>A running job shows a preview at most this often, in seconds, and the first one not before; 0: after each step.</summary>
    [Range(0, 3600)]
    public double PreviewSeconds { get; set; } = 0.5;

    public TimeSpan PreviewInterval => TimeSpan.FromSeconds(PreviewSeconds);

    public TimeSpan StopTime => TimeSpan.FromSeconds(StopSeconds);
}

/// <summary>Where the models are: configuration section "Models".</summary>
public sealed record ModelsOptions
{
    public const string Section = "Models";

    /// <summary>The folder with a NAME.json for each model.</summary>
    [Required(ErrorMessage = "Models:Path must name the folder with the models' catalogue entries (NAME.json).")]
    public string Path { get; set; } = "";
}
