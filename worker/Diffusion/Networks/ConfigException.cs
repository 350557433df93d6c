namespace Generation.Diffusion.Networks;

/// <summary>
/// A network's config.json holds something that this library does not know or that contradicts itself; the message names the field and the
/// value.
/// </summary>
public sealed class ConfigException(string message, Exception? inner = null) : Exception(message, inner);
