using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Generation.Diffusion.Weights;

/// <summary>
/// Where one tensor is in a file: <paramref name="Offset"/> and <paramref name="Length"/> are in bytes, from the file's start.
/// </summary>
public sealed record SafetensorsEntry(string Name, WeightDtype Dtype, long[] Shape, long Offset, long Length);

/// <summary>
/// The header of a safetensors file: eight bytes with its length (little endian), then that many bytes of JSON with each tensor's type,
/// shape and extent. Format: https://github.com/huggingface/safetensors#format
/// </summary>
/// <remarks>
/// Checked here: the length fits the file and is at most 100 MB; UTF-8; one JSON object, no key twice; each dtype known, each shape
/// non-negative, shape times size equal to the extent (without overflow); extents in order without overlap or gap, from the first byte
/// after the head to the file's last; <c>__metadata__</c> maps strings to strings.
/// </remarks>
public sealed class SafetensorsHeader
{
    /// <summary>The largest length of the JSON in bytes, as in the reference implementation.</summary>
    public const long MaxLength = 100_000_000;

    private const int Prefix = 8;

    private readonly string _path;

    private SafetensorsHeader(string path) => _path = path;

    /// <summary>The tensors by name.</summary>
    public Dictionary<string, SafetensorsEntry> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>Free text from the file's author.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Returns the length of the JSON that follows the first eight bytes.</summary>
    /// <exception cref="WeightsException">The file is not a safetensors file; the message says what it seems to be.</exception>
    public static int CheckLength(string path, ReadOnlySpan<byte> start, long fileLength)
    {
        if (WeightFileKinds.Describe(start) is { } other)
        {
            throw new WeightsException($"{path}: {other}");
        }

        if (fileLength < Prefix)
        {
            throw new WeightsException(
                $"{path}: not a safetensors file, it has {fileLength} bytes and the length of its header alone takes 8."
            );
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (length > MaxLength)
        {
            throw new WeightsException(
                $"{path}: not a safetensors file, its header would have {length} bytes and at most {MaxLength} are allowed."
            );
        }

        if ((long)length > fileLength - Prefix)
        {
            throw new WeightsException(
                $"{path}: the file is cut off, its header has {length} bytes and only {fileLength - Prefix} follow; copy or download it "
                    + "again."
            );
        }

        return (int)length;
    }

    /// <summary>Reads and checks the JSON of a file of <paramref name="fileLength"/> bytes.</summary>
    /// <exception cref="WeightsException">A rule of the format is violated.</exception>
    public static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> json, long fileLength)
    {
        var header = new SafetensorsHeader(path);
        if (!Utf8.IsValid(json))
        {
            throw header.Broken("the header is not valid UTF-8");
        }

        if (json.Length == 0 || json[0] != (byte)'{')
        {
            throw header.Broken("the header does not begin with '{'");
        }

        try
        {
            header.ReadObject(json, dataStart: Prefix + json.Length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw header.Broken($"the header is not valid JSON: {e.Message}", e);
        }

        header.CheckExtents(Prefix + json.Length, fileLength);
        return header;
    }

    private void ReadObject(ReadOnlySpan<byte> json, long dataStart)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        bool metadataSeen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__")
            {
                if (metadataSeen)
                {
                    throw Broken("the key '__metadata__' stands twice");
                }

                metadataSeen = true;
                ReadMetadata(ref reader);
            }
            else if (!Entries.TryAdd(name, ReadEntry(ref reader, name, dataStart)))
            {
                throw Broken($"the key '{name}' stands twice");
            }
        }

        // The reader itself refuses anything but white space after the object's end.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Broken("'__metadata__' is not an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Broken($"'__metadata__' maps '{key}' to something that is not a string");
            }

            if (!Metadata.TryAdd(key, reader.GetString()!))
            {
                throw Broken($"the key '{key}' of '__metadata__' stands twice");
            }
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name, long dataStart)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Broken($"'{name}' is not an object");
        }

        WeightDtype? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = reader.GetString()!;
            if (
                (field == "dtype" && dtype is not null)
                || (field == "shape" && shape is not null)
                || (field == "data_offsets" && offsets is not null)
            )
            {
                throw Broken($"'{name}' has the field '{field}' twice");
            }

            reader.Read();
            switch (field)
            {
                case "dtype":
                    string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                    dtype =
                        text is not null && Enum.TryParse(text, out WeightDtype known) && Enum.GetName(known) == text
                            ? known
                            : throw Broken($"'{name}' has the unknown dtype '{text}'");
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, name, field);
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(ref reader, name, field);
                    break;
                default:
                    throw Broken($"'{name}' has the unknown field '{field}'");
            }
        }

        if (dtype is null || shape is null || offsets is null)
        {
            throw Broken($"'{name}' lacks one of dtype, shape, data_offsets");
        }

        if (offsets.Length != 2 || offsets[1] < offsets[0])
        {
            throw Broken($"'{name}' has data_offsets [{string.Join(", ", offsets)}], not a start and an end");
        }

        long bytes;
        try
        {
            bytes = shape.Contains(0) ? 0 : shape.Aggregate((long)dtype.Value.Size(), (product, side) => checked(product * side));
        }
        catch (OverflowException)
        {
            throw Broken($"'{name}' of shape [{string.Join(", ", shape)}] is larger than memory can be");
        }

        if (bytes != offsets[1] - offsets[0])
        {
            throw Broken(
                $"'{name}', {dtype} of shape [{string.Join(", ", shape)}], takes {bytes} bytes and its data_offsets give it "
                    + $"{offsets[1] - offsets[0]}"
            );
        }

        if (offsets[1] > long.MaxValue - dataStart)
        {
            throw Broken($"'{name}' ends at {offsets[1]}, beyond any file");
        }

        return new SafetensorsEntry(name, dtype.Value, shape, dataStart + offsets[0], bytes);
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string name, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Broken($"'{name}' has a {field} that is not a list");
        }

        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
            {
                throw Broken($"'{name}' has a {field} with something that is not a whole number from 0 up");
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    private void CheckExtents(long dataStart, long fileLength)
    {
        long end = dataStart;
        foreach (SafetensorsEntry entry in Entries.Values.OrderBy(e => e.Offset).ThenBy(e => e.Length))
        {
            if (entry.Offset != end)
            {
                throw Broken(
                    entry.Offset < end
                        ? $"'{entry.Name}' overlaps the tensor before it by {end - entry.Offset} bytes"
                        : $"{entry.Offset - end} bytes before '{entry.Name}' belong to no tensor"
                );
            }

            end += entry.Length;
        }

        if (end != fileLength)
        {
            throw Broken(
                end > fileLength
                    ? $"the file is cut off, it has {fileLength} bytes and its tensors end at {end}; copy or download it again"
                    : $"{fileLength - end} bytes at the end belong to no tensor"
            );
        }
    }

    private WeightsException Broken(string what, Exception? inner = null) => new($"{_path}: not a valid safetensors file, {what}.", inner);
}
