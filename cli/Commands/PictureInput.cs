using Generation.Client;
using Generation.Hosting;

namespace Generation.Cli.Commands;

/// <summary>Pictures of this machine that a request begins with. They are uploaded, so that the request is short.</summary>
internal static class PictureInput
{
    public const string Step = "bring in the picture";

    /// <summary>Larger files no server takes.</summary>
    private const long MaxBytes = 1L << 30;

    /// <exception cref="StepException">The file cannot be read.</exception>
    public static async Task<byte[]> ReadAsync(string path, CancellationToken token)
    {
        try
        {
            return new FileInfo(path).Length <= MaxBytes
                ? await File.ReadAllBytesAsync(path, token)
                : throw new IOException($"{path} has more than {MaxBytes >> 30} GiB.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StepException(Step, e.Message, null, "Name a PNG, JPEG or WebP picture that can be read.", e);
        }
    }

    /// <summary>Uploads a picture; its id.</summary>
    /// <exception cref="StepException">The API refused it, or does not answer.</exception>
    public static async Task<string> UploadAsync(this JobRun run, byte[] file, CancellationToken token)
    {
        Upload upload = await run.CallAsync($"{Step} (POST /v1/uploads)", client => client.UploadAsync(file, token));
        return upload.Id;
    }
}
