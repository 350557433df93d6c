namespace Generation.Api.Faces.Shared;

/// <summary>Keys from where clients of other services put them, to where authentication looks.</summary>
internal static class FaceKeys
{
    /// <summary>Makes <paramref name="key"/> the request's key; nothing if there is none.</summary>
    public static void Use(HttpRequest request, string? key)
    {
        if (!string.IsNullOrWhiteSpace(key))
        {
            request.Headers.Authorization = "Bearer " + key.Trim();
        }
    }

    /// <summary>The first of these headers that is set.</summary>
    public static string? FromHeaders(HttpRequest request, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (request.Headers[name].ToString() is { Length: > 0 } key)
            {
                return key;
            }
        }

        return null;
    }
}
