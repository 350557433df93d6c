using System.Security.Cryptography;

namespace Generation.Client;

/// <content>Fetching what was made.</content>
public sealed partial class GenerationClient
{
    private const int BufferBytes = 1 << 16;

    /// <summary>The bytes of an output.</summary>
    /// <param name="output">From a job that has succeeded. Its address is good for a time; <see cref="JobAsync"/> gives a fresh one.</param>
    /// <param name="token">Ends the fetching.</param>
    /// <exception cref="InvalidDataException">What came is not what was made: it has another hash.</exception>
    public async Task<byte[]> ReadOutputAsync(JobOutput output, CancellationToken token = default)
    {
        using var bytes = new MemoryStream();
        await DownloadAsync(output, bytes, token);
        return bytes.ToArray();
    }

    /// <summary>Writes an output to a stream.</summary>
    /// <param name="output">As above.</param>
    /// <param name="destination">Where to; it is left open.</param>
    /// <param name="token">Ends the fetching.</param>
    /// <exception cref="InvalidDataException">What came is not what was made: it has another hash. The stream has it none the less.</exception>
    public async Task DownloadAsync(JobOutput output, Stream destination, CancellationToken token = default)
    {
        using HttpResponseMessage answer = await _transport.SendAsync(HttpMethod.Get, output.Url, null, null, token);
        await using Stream body = await _transport.BodyAsync(answer, token);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BufferBytes];
        while (await body.ReadAsync(buffer, token) is > 0 and var count)
        {
            hash.AppendData(buffer, 0, count);
            await destination.WriteAsync(buffer.AsMemory(0, count), token);
        }

        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (!found.Equals(output.Sha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"The output's hash is {found}, and the job says {output.Sha256}.");
        }
    }

    /// <summary>Writes an output to a new file, which is there whole or not at all.</summary>
    /// <param name="output">As above.</param>
    /// <param name="path">The file. One that is there is not overwritten.</param>
    /// <param name="token">Ends the fetching.</param>
    /// <exception cref="IOException">The file is there, or cannot be written.</exception>
    /// <exception cref="InvalidDataException">What came is not what was made: it has another hash.</exception>
    public async Task DownloadAsync(JobOutput output, string path, CancellationToken token = default)
    {
        string part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            await using (var file = new FileStream(part, FileMode.CreateNew, FileAccess.Write))
            {
                await DownloadAsync(output, file, token);
            }

            File.Move(part, path);
        }
        finally
        {
            File.Delete(part);
        }
    }
}
