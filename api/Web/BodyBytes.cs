using System.Buffers;

namespace Generation.Api.Web;

/// <summary>Reads the whole body of a request, up to a limit.</summary>
internal static class BodyBytes
{
    /// <summary>Reads all bytes of a body.</summary>
    /// <exception cref="ProblemException">The body is larger than <paramref name="maxBytes"/>.</exception>
    public static async Task<byte[]> ReadAsync(Stream body, long? length, long maxBytes, CancellationToken cancellationToken)
    {
        if (length > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        byte[] chunk = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            using var all = new MemoryStream((int)Math.Min(length ?? 0, 1 << 20));
            int read;
            while ((read = await body.ReadAsync(chunk, cancellationToken)) > 0)
            {
                if (all.Length + read > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                all.Write(chunk, 0, read);
            }

            return all.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static ProblemException TooLarge(long maxBytes) => new(413, "body_too_large", $"The body may have {maxBytes} bytes at most.");
}
