namespace Generation.Diffusion.Weights;

/// <summary>A weights file, folder or set of keys is not what it has to be. The message names the file and the keys.</summary>
public sealed class WeightsException(string message, Exception? inner = null) : Exception(message, inner);
