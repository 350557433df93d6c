namespace Generation.Api.Faces.Shared;

/// <summary>Moves keys from where clients of other services put them to where authentication looks for them.</summary>
internal static class FaceKeys
{
    /// <summary>Makes <paramref name="key"/> the request's key, if there is one.</summary>
    public static void Use(HttpRequest request, string? key)
    {
        if (!string.IsNullOrWhiteSpace(key))
        {
            request.Headers.Authorization = "Bearer " + key.Trim();
        }
    }

    /// <summary>The value of the first of these headers that is set; null where none is.</summary>
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
