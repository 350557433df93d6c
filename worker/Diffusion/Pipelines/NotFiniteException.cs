namespace Generation.Diffusion.Pipelines;

/// <summary>
/// A run has come to values that are no numbers (NaN or infinite), of which no picture can be made: weights are damaged, an adapter's
/// values are too large, or the type that the networks compute in is too small for them (float16 overflows beyond 65,504).
/// </summary>
/// <param name="what">What is not finite, as in "the latents after the last step".</param>
public sealed class NotFiniteException(string what) : Exception($"{what} hold values that are no numbers.");
