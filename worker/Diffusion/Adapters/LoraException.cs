namespace Generation.Diffusion.Adapters;

/// <summary>A LoRA file cannot be read, or does not fit the model. The message names the file and the keys.</summary>
public sealed class LoraException(string message) : Exception(message);
