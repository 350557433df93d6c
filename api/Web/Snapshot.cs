namespace Generation.Api.Web;

/// <summary>
/// A value that is read anew when somebody asks for it and it is older than <paramref name="maxAge"/>. Of many who ask at once,
/// one reads; the others wait, and take what it has read, however long that took.
/// </summary>
internal sealed class Snapshot<T>(TimeSpan maxAge, TimeProvider time, Func<CancellationToken, Task<T>> read) : IDisposable
    where T : class
{
    private readonly SemaphoreSlim _gate = new(1);
    private Reading? _latest;

    public async ValueTask<T> GetAsync(CancellationToken cancellationToken)
    {
        long asked = time.GetTimestamp();
        if (Fresh(asked) is { } fresh)
        {
            return fresh;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (Fresh(asked) is { } other)
            {
                return other;
            }

            long at = time.GetTimestamp();
            T value = await read(cancellationToken);
            _latest = new Reading(value, at);
            return value;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private T? Fresh(long asked) => _latest is { } latest && time.GetElapsedTime(latest.At, asked) < maxAge ? latest.Value : null;

    private sealed record Reading(T Value, long At);
}
