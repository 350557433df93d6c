namespace Generation.Imaging.Png;

/// <summary>
/// Rewrites a PNG file with only those chunks that make up the picture, so that no other chunk's content is ever interpreted, and with
/// samples of 8 bits at most, because Skia truncates larger ones where it should round.
/// </summary>
internal static class PngSanitizer
{
    public static ReadOnlySpan<byte> Of(PngFile png, ReadOnlySpan<byte> file, PngColours colours)
    {
        PngSamples? samples =
            png.Header.BitDepth == 16 ? new PngSamples(png.Header, png.Find("tRNS") is { } key ? key.Data(file) : default) : null;
        using var essence = new MemoryStream(file.Length);
        essence.Write(PngChunk.Signature);
        foreach (PngChunk chunk in png.Chunks)
        {
            switch (chunk.Type)
            {
                case "IHDR" when samples is not null:
                    PngChunk.Write(essence, "IHDR"u8, samples.Header());
                    break;
                case "IEND" when samples is not null:
                    PngChunk.Write(essence, "IDAT"u8, samples.Rewrite(Data(png, file)));
                    essence.Write(chunk.Whole(file));
                    break;
                case "tRNS" or "IDAT" when samples is not null:
                    break;
                case "IHDR" or "tRNS" or "IDAT" or "IEND":
                case "PLTE" when png.Header.IsPalette:
                    essence.Write(chunk.Whole(file));
                    break;
                default:
                    if (colours.Has(chunk))
                    {
                        essence.Write(chunk.Whole(file));
                    }

                    break;
            }
        }

        return essence.GetBuffer().AsSpan(0, (int)essence.Length);
    }

    private static MemoryStream Data(PngFile png, ReadOnlySpan<byte> file)
    {
        var data = new MemoryStream();
        foreach (PngChunk chunk in png.Chunks.Where(c => c.Type == "IDAT"))
        {
            data.Write(chunk.Data(file));
        }

        data.Position = 0;
        return data;
    }
}
