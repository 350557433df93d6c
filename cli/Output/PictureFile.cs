using System.Globalization;
using System.Text;
using Generation.Client;

namespace Generation.Cli.Output;

/// <summary>Saves pictures without ever overwriting a file.</summary>
internal static class PictureFile
{
    private const int LongestSlug = 60;

    /// <summary>Returns pictures/PROMPT-SEED.png, with the prompt reduced to letters, digits and hyphens.</summary>
    public static string DefaultPath(string prompt, JobOutput output)
    {
        var slug = new StringBuilder();
        foreach (char c in prompt.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(c))
            {
                slug.Append(c);
            }
            else if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }
        }

        string words = slug.ToString(0, Math.Min(slug.Length, LongestSlug)).Trim('-');
        return Path.Combine(
            "pictures",
            $"{(words.Length == 0 ? "picture" : words)}-{output.Seed?.ToString(CultureInfo.InvariantCulture) ?? "x"}.{Extension(output)}"
        );
    }

    /// <summary>The extension of an output's file, without the dot: png, jpeg, mp4, zip.</summary>
    public static string Extension(JobOutput output) => output.ContentType[(output.ContentType.IndexOf('/') + 1)..];

    /// <summary>Writes the picture to a new file.</summary>
    /// <returns>
    /// The full path of the file: the one that was asked for, or with -2, -3, ... before its extension where that is taken.
    /// </returns>
    public static async Task<string> SaveAsync(string path, byte[] bytes, CancellationToken token)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string stem = Path.Combine(Path.GetDirectoryName(full)!, Path.GetFileNameWithoutExtension(full));
        for (int number = 1; ; number++)
        {
            string candidate = number == 1 ? full : $"{stem}-{number}{Path.GetExtension(full)}";
            try
            {
                await using var stream = new FileStream(candidate, FileMode.CreateNew, FileAccess.Write);
                await stream.WriteAsync(bytes, token);
                return candidate;
            }
            catch (IOException) when (File.Exists(candidate) && number < 10_000)
            {
                // Taken: the next number
            }
        }
    }
}
