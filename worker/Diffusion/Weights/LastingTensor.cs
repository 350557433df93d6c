using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>
/// A stored tensor that can be read at any time, also after its source is disposed: a layer that has packed it need not keep it.
/// </summary>
/// <param name="Read">Reads it, in the caller's dispose scope; the same values each time.</param>
/// <param name="LetGo">Says that it will not be read soon: what it takes in this process's memory may go.</param>
public sealed record LastingTensor(Func<Tensor> Read, Action LetGo);
