namespace Generation.Diffusion.Weights;

/// <summary>Recognises by their first bytes the files that people mistake for safetensors files.</summary>
internal static class WeightFileKinds
{
    /// <summary>Says what the file is and what to do, or null when it begins like none of the known kinds.</summary>
    public static string? Describe(ReadOnlySpan<byte> start)
    {
        // A header of 640 bytes also begins with 80 02: what has a short length and then '{' is left to the format's own checks.
        if (start.Length > 8 && start[8] == (byte)'{' && !start[4..8].ContainsAnyExcept((byte)0))
        {
            return null;
        }

        if (start.StartsWith("PK\x03\x04"u8) || (start.Length > 1 && start[0] == 0x80 && start[1] is >= 1 and <= 5))
        {
            return "a pickled PyTorch checkpoint. Pickled files can run code when they are read and are refused; convert it to "
                + "safetensors or download the model's .safetensors file.";
        }

        if (start.StartsWith("version "u8))
        {
            return "a Git LFS pointer, not the weights themselves. Download the file it points to (git lfs pull).";
        }

        if (start.StartsWith("GGUF"u8))
        {
            return "a GGUF file, which is not supported. Use the model's .safetensors file.";
        }

        if (start.StartsWith("<!"u8) || start.StartsWith("<html"u8) || start.StartsWith("<HTML"u8))
        {
            return "a web page, not weights. The download has failed or asks for a login.";
        }

        return null;
    }
}
