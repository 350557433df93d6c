using System.Text;
using Generation.Storage.Accounts;

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

    /// <summary>
    /// The key in the credentials of Basic authentication: the password, or the user name where clients have no field for more. Empty where
    /// they cannot be read.
    /// </summary>
    /// <param name="credentials">What stands behind "Basic ".</param>
    public static string OfBasic(string credentials)
    {
        string encoded = credentials.Trim();
        byte[] bytes = new byte[encoded.Length];
        string pair = Convert.TryFromBase64String(encoded, bytes, out int length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
        int colon = pair.IndexOf(':', StringComparison.Ordinal);
        (string user, string password) = colon < 0 ? (pair, "") : (pair[..colon], pair[(colon + 1)..]);
        return ApiKey.IsWellFormed(user) && !ApiKey.IsWellFormed(password) ? user : password;
    }
}
