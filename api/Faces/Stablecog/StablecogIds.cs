using System.Security.Cryptography;
using System.Text;
using Generation.Contracts;

namespace Generation.Api.Faces.Stablecog;

/// <summary>UUIDs for what has none of its own: always the same ones for the same thing.</summary>
internal static class StablecogIds
{
    private const int MaxOutputs = 16;

    /// <summary>A version 8 UUID of a name.</summary>
    public static Guid Of(string kind, string name)
    {
        byte[] bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}:{name}"))[..16];
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The id of an output: its job's, as version 8, with the output's place in the last digit.</summary>
    public static Guid OfOutput(JobId job, int index)
    {
        byte[] bytes = job.Value.ToByteArray(bigEndian: true);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[15] ^= (byte)(index % MaxOutputs);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The outputs that an id can mean: one for each place, of which at most one is there.</summary>
    public static IReadOnlyList<(JobId Job, int Index)> Outputs(Guid output)
    {
        byte[] bytes = output.ToByteArray(bigEndian: true);
        if (bytes[6] >> 4 != 8)
        {
            return [];
        }

        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        return
        [
            .. Enumerable
                .Range(0, MaxOutputs)
                .Select(index =>
                {
                    byte[] job = [.. bytes];
                    job[15] ^= (byte)index;
                    return (new JobId(new Guid(job, bigEndian: true)), index);
                }),
        ];
    }
}
