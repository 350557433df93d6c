namespace Generation.Service.Models;

/// <summary>This worker cannot load a model. The message is for the job's owner and names no path.</summary>
internal sealed class ModelUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
