using TorchSharp;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The state that a scheduler keeps between two steps, by name: enough to continue the run in another process and arrive at the same bits.
/// The tensors are copies, owned by the state.
/// </summary>
public sealed class SchedulerState : IDisposable
{
    /// <param name="scheduler">The class name of the scheduler.</param>
    /// <param name="tensors">The history; the state takes ownership.</param>
    /// <param name="numbers">Counters and sizes.</param>
    public SchedulerState(string scheduler, IReadOnlyDictionary<string, torch.Tensor> tensors, IReadOnlyDictionary<string, double> numbers)
    {
        Scheduler = scheduler;
        Tensors = tensors;
        Numbers = numbers;
    }

    /// <summary>The class name of the scheduler that was saved.</summary>
    public string Scheduler { get; }

    /// <summary>Past model outputs and samples, each shaped as the sample.</summary>
    public IReadOnlyDictionary<string, torch.Tensor> Tensors { get; }

    /// <summary>Counters: steps (of the run), next (index of the next step), begin (index of the first).</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; }

    public void Dispose()
    {
        foreach (torch.Tensor tensor in Tensors.Values)
        {
            tensor.Dispose();
        }
    }
}
