namespace Generation.Api.Authentication;

/// <summary>A feature of requests that carry a session's cookie and no key of their own: the key that the session was opened with.</summary>
/// <param name="Key">The key.</param>
/// <param name="SessionId">The session's own name, by which it is ended.</param>
/// <param name="ExpiresAt">When the session ends by itself.</param>
internal sealed record SessionKey(string Key, Guid SessionId, DateTimeOffset ExpiresAt);
