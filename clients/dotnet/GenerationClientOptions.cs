namespace Generation.Client;

/// <summary>How a <see cref="GenerationClient"/> calls.</summary>
public sealed record GenerationClientOptions
{
    /// <summary>
    /// How often a call is made again that did not arrive, or that the server could not do now (429, 502, 503, 504). 0: never.
    /// </summary>
    public int Retries { get; init; } = 5;

    /// <summary>
    /// The longest wait before a call is made again. Where a server asks for a longer one, the call ends with the server's answer,
    /// which says how long.
    /// </summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one attempt may take until its answer begins, the sending of its pictures included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>After so long without a byte an answer that is being read is given up. The server says something every 15 s.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
