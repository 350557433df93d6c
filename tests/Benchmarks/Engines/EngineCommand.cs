using System.Reflection;
using Generation.Hosting;
using Generation.Kernels;

namespace Generation.Benchmarks.Engines;

/// <summary>How an engine's process is started: it speaks with <see cref="Engine"/> as <see cref="EngineHost"/> does.</summary>
/// <param name="Name">As lines of the report name it.</param>
/// <param name="Description">For people.</param>
/// <param name="Program">What is started.</param>
/// <param name="Arguments">The first arguments; the workload's name and type and <c>--threads N</c> follow.</param>
/// <param name="Environment">Beyond what holds it to a set of instructions.</param>
internal sealed record EngineCommand(
    string Name,
    string Description,
    string Program,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment
)
{
    /// <summary>Names the folder with OpenVINO's graph of the UNet, unet_sd15.xml.xz and small.bin.xz.</summary>
    public const string OpenVinoFolder = "GENERATION_OPENVINO_ANCHOR";

    /// <summary>Names a Python that has OpenVINO; else python3.</summary>
    public const string OpenVinoPython = "GENERATION_OPENVINO_PYTHON";

    /// <summary>As lines of the report name another build.</summary>
    public const string BeforeName = "before";

    private static readonly Dictionary<string, string> Nothing = [];

    /// <summary>This build.</summary>
    public static EngineCommand Own { get; } = OfBuild("own", "this build", Assembly.GetExecutingAssembly().Location, Nothing);

    /// <summary>This build without kernels of its own.</summary>
    public static EngineCommand TorchSharp { get; } =
        Own with
        {
            Name = "torchsharp",
            Description = "TorchSharp's operations alone",
            Environment = new Dictionary<string, string> { [Processor.KernelsVariable] = "0" },
        };

    /// <summary>OpenVINO, where it is there.</summary>
    public static EngineCommand OpenVino { get; } =
        new(
            "openvino",
            "OpenVINO",
            System.Environment.GetEnvironmentVariable(OpenVinoPython) ?? "python3",
            [Path.Combine(Repository.Root, "tests", "Benchmarks", "Engines", "openvino_engine.py")],
            Nothing
        );

    /// <summary>Another build of this project, for example of the commit before.</summary>
    /// <param name="program">Its Generation.Benchmarks, or Generation.Benchmarks.dll.</param>
    public static EngineCommand Before(string program) => OfBuild(BeforeName, program, program, Nothing);

    private static EngineCommand OfBuild(
        string name,
        string description,
        string program,
        IReadOnlyDictionary<string, string> environment
    ) =>
        program.EndsWith(".dll", StringComparison.Ordinal)
            ? new(name, description, DotnetHost.Path, [program, "engine"], environment)
            : new(name, description, program, ["engine"], environment);
}
