using System.CommandLine;
using Generation.Benchmarks;
using Generation.Benchmarks.Engines;
using Generation.Benchmarks.Jobs;
using Generation.Storm;
using Generation.Torch;

var json = new Option<bool>("--json") { Description = "One JSON object a line: name, value, unit, against, ratio.", Recursive = true };
var threads = new Option<int>("--threads")
{
    Description = "Threads within an operation.",
    DefaultValueFactory = _ => TorchRuntime.Threads,
    Recursive = true,
};
var pictures = new Option<int>("--pictures") { Description = "How many pictures.", DefaultValueFactory = _ => 1000 };

var only = new Option<string[]>("--only") { Description = "Measure only this; may be repeated." };
only.AcceptOnlyFromAmong([.. DiffusionOptions.AllParts]);
var isa = new Option<string?>("--isa")
{
    Description =
        $"Measure with no more than these instructions, one set after another, of {string.Join(",", InstructionBound.All)}; else with "
        + "all that the machine has.",
};
var before = new Option<string?>("--before")
{
    Description = "Another build's Generation.Benchmarks, for example of the commit before, to measure beside this one.",
    DefaultValueFactory = _ => Environment.GetEnvironmentVariable("GENERATION_BENCH_BEFORE"),
};
var beside = new Option<string[]>("--beside") { Description = "Measure beside this engine only; may be repeated; all of them for none." };
beside.AcceptOnlyFromAmong(EngineCommand.OpenVino.Name, EngineCommand.BeforeName, EngineCommand.TorchSharp.Name);
var rounds = new Option<int>("--rounds") { Description = "How many turns each engine has; medians count.", DefaultValueFactory = _ => 3 };
var diffusion = new Command(
    "diffusion",
    "Layers, a guided Stable Diffusion 1.5 step and a decode of its autoencoder, against the processor's own speed and other engines."
)
{
    only,
    isa,
    beside,
    before,
    rounds,
};
diffusion.SetAction(result => Run(result, report => new DiffusionBenchmark(
            report,
            new DiffusionOptions
            {
                Parts = result.GetValue(only) ?? [],
                Bounds = DiffusionOptions.ParseBounds(result.GetValue(isa)),
                Others = EnginesBeside(result.GetValue(beside) ?? [], result.GetValue(before)),
                Rounds = result.GetValue(rounds),
                Threads = result.GetValue(threads),
            }
        ).Run()));

var network = new Argument<string>("workload");
var type = new Argument<string>("type");
var engine = new Command("engine", "The side that computes; 'diffusion' starts this by itself.") { network, type };
engine.Hidden = true;
engine.SetAction(result =>
    Run(result, _ => EngineHost.Run(new Workload(result.GetRequiredValue(network), result.GetRequiredValue(type)), Console.In, Console.Out))
);

var memory = new Command("memory", "Memory over many pictures of the demo model in one process.") { pictures };
memory.SetAction(result => Run(result, report => MemoryBenchmark.Run(report, result.GetValue(pictures))));
var weights = new Command("weights", "Loading a checkpoint, against a plain sequential read of the same bytes.");
weights.SetAction(result => Run(result, WeightsBenchmark.Run));

var gpu = new Command("gpu", "Steps of SD 1.5, SDXL and FLUX on a CUDA device, beside PyTorch's own; ends with 3 where there is none.");
gpu.SetAction(result => GpuBenchmark.Run(new Report(Console.Out, result.GetValue(json))));

var lives = new Option<int>("--jobs") { Description = "How many whole lives.", DefaultValueFactory = _ => 5000 };
var aged = new Option<int>("--aged")
{
    Description = "Starts and lives are measured once more after so many jobs have ended; 0: not.",
    DefaultValueFactory = _ => 75_000,
};
var parts = new Option<string[]>("--part") { Description = "Measure only this; may be repeated." };
parts.AcceptOnlyFromAmong(JobsBenchmark.Parts);
var jobs = new Command("jobs", "The way of a job with no-op work, against bare loops over the same servers.") { lives, aged, parts };
jobs.SetAction(
    (result, cancellationToken) =>
        JobsBenchmark.RunAsync(
            new Report(Console.Out, result.GetValue(json)),
            result.GetValue(lives),
            result.GetValue(aged),
            result.GetValue(parts) ?? [],
            cancellationToken
        )
);
var bare = new Command("jobs-bare", "The bare API that 'jobs' measures against; it starts this by itself.") { Hidden = true };
bare.SetAction(_ => BareApi.RunAsync());

var requests = new Option<long>("--requests") { Description = "How many wrong requests.", DefaultValueFactory = _ => 1_000_000 };
var inputs = new Option<long>("--inputs")
{
    Description = "How many wrong inputs, for all readers.",
    DefaultValueFactory = _ => 100_000_000,
};
var seed = new Option<int>("--seed") { Description = "The same inputs for the same seed.", DefaultValueFactory = _ => 1 };
var fuzz = new Command("fuzz", "Wrong requests to the stack of GENERATION_URL, and wrong inputs to every reader of strangers' bytes.")
{
    requests,
    inputs,
    seed,
};
fuzz.SetAction(
    (result, cancellationToken) =>
        FuzzCommand.RunAsync(
            new Report(Console.Out, result.GetValue(json)),
            result.GetValue(requests),
            result.GetValue(inputs),
            result.GetValue(seed),
            cancellationToken
        )
);

var stormJobs = new Option<int>("--jobs") { Description = "How many jobs.", DefaultValueFactory = _ => 100_000 };
var stormFaults = new Option<int>("--faults") { Description = "How many faults, of each kind as many.", DefaultValueFactory = _ => 200 };
var outage = new Option<double>("--outage") { Description = "Seconds that RabbitMQ stays away.", DefaultValueFactory = _ => 60 };
var minutes = new Option<double?>("--minutes") { Description = "End after so long, with as many jobs and faults as there were." };
var storm = new Command(
    "storm",
    "Jobs through a stack of their own while processes die and stand still, servers go away, disks fill and connections break."
)
{
    stormJobs,
    stormFaults,
    outage,
    minutes,
    seed,
};
storm.SetAction(
    (result, cancellationToken) =>
        StormCommand.RunAsync(
            new Report(Console.Out, result.GetValue(json)),
            new StormOptions
            {
                Jobs = result.GetValue(stormJobs),
                Faults = result.GetValue(stormFaults),
                Limit = result.GetValue(minutes) is { } most ? TimeSpan.FromMinutes(most) : null,
                BrokerOutage = TimeSpan.FromSeconds(result.GetValue(outage)),
                Seed = result.GetValue(seed),
            },
            cancellationToken
        )
);

var root = new RootCommand("Generation's benchmarks: each prints what it measured beside what it is held against.")
{
    diffusion,
    engine,
    memory,
    weights,
    gpu,
    jobs,
    bare,
    fuzz,
    storm,
};
root.Options.Add(json);
root.Options.Add(threads);
return await root.Parse(args).InvokeAsync();

static IReadOnlyList<EngineCommand> EnginesBeside(string[] wanted, string? before)
{
    EngineCommand[] earlier = before is null ? [] : [EngineCommand.Before(before)];
    EngineCommand[] all = [EngineCommand.OpenVino, .. earlier, EngineCommand.TorchSharp];
    return [.. all.Where(engine => wanted.Length == 0 || wanted.Contains(engine.Name))];
}

void Run(ParseResult result, Action<Report> benchmark)
{
    TorchRuntime.Threads = result.GetValue(threads);
    benchmark(new Report(Console.Out, result.GetValue(json)));
}
