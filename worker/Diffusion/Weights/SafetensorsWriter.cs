using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>Writes tensors as a safetensors file, which appears whole or not at all.</summary>
public static class SafetensorsWriter
{
    private const int Chunk = 1 << 28;

    /// <summary>
    /// Writes <paramref name="tensors"/> to <paramref name="path"/>, replacing the file that is there. Larger element types come first and
    /// names are sorted, so that equal content gives equal bytes and every tensor is aligned.
    /// </summary>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        (string Name, Tensor Tensor, WeightDtype Dtype)[] rows =
        [
            .. tensors
                .Select(pair => (pair.Key, pair.Value, pair.Value.dtype.ToWeightDtype()))
                .OrderByDescending(row => row.Item3.Size())
                .ThenBy(row => row.Key, StringComparer.Ordinal),
        ];
        byte[] header = Header(rows, metadata);
        string part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (FileStream file = new(part, FileMode.CreateNew, FileAccess.Write))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
                file.Write(length);
                file.Write(header);
                foreach ((string Name, Tensor Tensor, WeightDtype Dtype) row in rows)
                {
                    WriteElements(file, row.Tensor, row.Dtype.Size());
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static byte[] Header((string Name, Tensor Tensor, WeightDtype Dtype)[] rows, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach ((string Name, Tensor Tensor, WeightDtype Dtype) row in rows)
            {
                long end = offset + (row.Tensor.numel() * row.Dtype.Size());
                json.WriteStartObject(row.Name);
                json.WriteString("dtype", row.Dtype.ToString());
                WriteNumbers(json, "shape", row.Tensor.shape);
                WriteNumbers(json, "data_offsets", [offset, end]);
                json.WriteEndObject();
                offset = end;
            }

            json.WriteEndObject();
        }

        // Spaces up to a multiple of 8 keep the elements aligned.
        buffer.Write("       "u8[..(int)((8 - (buffer.Length % 8)) % 8)]);
        return buffer.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, long[] numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private static void WriteElements(FileStream file, Tensor tensor, int size)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = tensor.detach().cpu().contiguous().view(-1);
        long elements = flat.numel();
        for (long done = 0; done < elements; done += Chunk / size)
        {
            file.Write(flat.narrow(0, done, Math.Min(Chunk / size, elements - done)).bytes);
        }
    }
}
