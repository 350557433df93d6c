using System.Text.Json;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>
/// Finds in a picture what a text says, as a mask for inpainting. Lüddecke and Ecker, CLIPSeg, 2022. Reference: transformers 4.57.6,
/// CLIPSegForImageSegmentation and CLIPSegProcessor.
/// </summary>
public sealed class MaskFinder : IDisposable
{
    /// <summary>
    /// The probability from which on a pixel belongs to the mask. CLIPSeg's probabilities are low, and one half would leave edges out.
    /// </summary>
    public const double DefaultThreshold = 0.4;

    /// <summary>Separates several things in a text, each of which is found by itself.</summary>
    public const char Separator = '|';

    // Of ImageNet, on which the processor of the published model is set
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    private readonly CLIPSegModel _network;
    private readonly ClipTokenizer _tokenizer;
    private readonly int _side;
    private readonly Device _device;

    private MaskFinder(CLIPSegModel network, ClipTokenizer tokenizer, int side, Device device) =>
        (_network, _tokenizer, _side, _device) = (network, tokenizer, side, device);

    /// <summary>
    /// Loads a folder with config.json, weights and the tokenizer's files (CLIP's published vocabulary where it has none). The size to
    /// which pictures are resized is in preprocessor_config.json; where that is absent it is the network's own.
    /// </summary>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static MaskFinder FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        CLIPSegModel network = ComponentFolder.Load<CLIPSegModel, ClipSegConfig>(
            path,
            (config, weights) => new CLIPSegModel(config, weights),
            dtype,
            device
        );
        try
        {
            bool hasVocabulary = File.Exists(Path.Combine(path, "vocab.json")) || File.Exists(Path.Combine(path, "tokenizer.json"));
            ClipTokenizer tokenizer = hasVocabulary ? ClipTokenizer.Load(path) : ClipTokenizer.Published;
            if (tokenizer.Count > network.Config.TextConfig.VocabSize)
            {
                throw new WeightsException(
                    $"{path}: the tokenizer knows {tokenizer.Count} tokens and the network {network.Config.TextConfig.VocabSize}."
                );
            }

            return new MaskFinder(network, tokenizer, ReadSide(path) ?? network.Config.VisionConfig.ImageSize, device ?? CPU);
        }
        catch (TokenizerException e)
        {
            network.Dispose();
            throw new WeightsException($"{path}: {e.Message}", e);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Returns a grey mask of the picture's size: white where the picture shows what <paramref name="words"/> say, black elsewhere.
    /// </summary>
    /// <param name="words">A thing, or several with | between them.</param>
    /// <param name="threshold">The probability from which on a pixel is white.</param>
    /// <exception cref="SettingException">The text is empty, or nothing in the picture fits it.</exception>
    public Picture Find(Picture picture, string words, double threshold = DefaultThreshold)
    {
        string[] things = words.Split(Separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (things.Length == 0)
        {
            throw new SettingException("mask_prompt", "has no words and must say what the mask covers.");
        }

        Picture found = Probabilities(picture, things).Resize(picture.Width, picture.Height, ResamplingFilter.Bilinear);
        byte least = (byte)Math.Clamp(Math.Ceiling(threshold * 255), 1, 255);
        var mask = new Picture(
            picture.Width,
            picture.Height,
            1,
            Array.ConvertAll(found.Bytes, value => value >= least ? (byte)255 : (byte)0)
        );
        return mask.Bytes.AsSpan().Contains((byte)255)
            ? mask
            : throw new SettingException(
                "mask_prompt",
                "names nothing that was found in the picture; say it in other words, or give a mask."
            );
    }

    public void Dispose() => _network.Dispose();

    /// <summary>The largest probability of any of the things at each pixel, from 0 to 255.</summary>
    private Picture Probabilities(Picture picture, string[] things)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable inference = inference_mode();
        int length = Math.Min(_tokenizer.ModelMaxLength, _network.Config.TextConfig.MaxPositionEmbeddings);
        long[] ids = [.. things.SelectMany(thing => _tokenizer.EncodePadded(thing, length)).Select(id => (long)id)];
        // Padding is left out of sight, as the reference's processor has it: 1 up to the end mark
        long[] seen =
        [
            .. things.SelectMany(thing =>
                Enumerable.Range(0, length).Select(k => k < _tokenizer.EncodeWithoutSpecialTokens(thing).Length + 2 ? 1L : 0L)
            ),
        ];
        Tensor embeds = _network.TextEmbeds(
            tensor(ids, [things.Length, length]).to(_device),
            tensor(seen, [things.Length, length]).to(_device)
        );
        Tensor pixels = tensor(Prepare(picture), [1, 3, _side, _side]).to(_device).expand(things.Length, -1, -1, -1).contiguous();
        Tensor probabilities = _network.Forward(pixels, embeds).to(ScalarType.Float32).sigmoid().cpu();
        Tensor largest = probabilities.amax([0], keepdim: true).unsqueeze(3);
        return PictureTensors.ToPictures(largest)[0];
    }

    /// <summary>
    /// Returns (3, side, side): stretched to a square with the bilinear filter and normalised with ImageNet's mean and standard deviation.
    /// </summary>
    private float[] Prepare(Picture picture)
    {
        Picture square = picture.DropAlpha().Resize(_side, _side, ResamplingFilter.Bilinear);
        int plane = _side * _side;
        float[] values = new float[3 * plane];
        for (int i = 0; i < plane; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                values[(c * plane) + i] = ((square.Bytes[(i * 3) + c] / 255f) - Mean[c]) / Deviation[c];
            }
        }

        return values;
    }

    /// <summary>Reads the size, which is a number, as in "size": 352, or {"height": 352, "width": 352}.</summary>
    private static int? ReadSide(string path)
    {
        string file = Path.Combine(path, "preprocessor_config.json");
        if (!File.Exists(file))
        {
            return null;
        }

        JsonElement root = JsonFile.Read(file);
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("size", out JsonElement size))
        {
            return null;
        }

        JsonElement side = size.ValueKind == JsonValueKind.Object && size.TryGetProperty("height", out JsonElement height) ? height : size;
        return side.ValueKind == JsonValueKind.Number && side.TryGetInt32(out int pixels) && pixels is >= 1 and <= 4096
            ? pixels
            : throw new WeightsException($"{file}: size is {size} and must be a side in pixels.");
    }
}
