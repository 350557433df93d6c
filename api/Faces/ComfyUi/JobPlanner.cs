using Generation.Api.Kinds;
using Generation.Api.Web;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>Finds the native jobs that make the pictures of a graph.</summary>
/// <param name="catalogue">What there is.</param>
/// <param name="maxJobs">Most jobs of a graph.</param>
internal sealed partial class JobPlanner(ComfyCatalogue catalogue, int maxJobs)
{
    /// <summary>Native seeds have so many bits, and ComfyUI's have 64.</summary>
    private const ulong SeedMask = (1UL << 53) - 1;

    private readonly Dictionary<ImageValue, IReadOnlyList<MadePicture>> _made = new(ReferenceEqualityComparer.Instance);

    public GraphPlan Plan { get; } = new();

    /// <summary>Adds the jobs whose pictures an output node shows.</summary>
    /// <exception cref="NodeException">They have no counterpart here.</exception>
    public void AddOutput(string output, ImageValue image)
    {
        foreach (int place in Make(image).Select(made => made.Place).Distinct())
        {
            Plan.Jobs[place].Outputs.Add(output);
        }
    }

    private IReadOnlyList<MadePicture> Make(ImageValue image)
    {
        if (!_made.TryGetValue(image, out IReadOnlyList<MadePicture>? made))
        {
            _made[image] = made = image switch
            {
                DecodedImage { Latent: SampledLatent pass } decoded => Sampled(pass, decoded.Vae),
                DecodedImage { Latent: EncodedLatent encoded } => Make(encoded.Image),
                DecodedImage decoded => throw NotDone(
                    decoded.Node,
                    "samples",
                    "the latent comes from no sampler; there would be nothing to see"
                ),
                EnlargedImage enlarged => Enlarged(enlarged.Node, enlarged, enlarged.Upscaler.Model.Scale ?? 4),
                ScaledImage { Image: EnlargedImage enlarged } scaled => Enlarged(scaled.Node, enlarged, FactorOf(scaled, enlarged)),
                ScaledImage scaled => throw NotDone(
                    scaled.Node,
                    "image",
                    "pictures are not scaled by themselves; scale the latent before a sampler, or enlarge with ImageUpscaleWithModel"
                ),
                PaddedImage padded => throw NotDone(padded.Node, "image", "goes into VAEEncodeForInpaint, with the mask of the same node"),
                _ => throw NotDone(image.Node, null, "a picture as it was sent is not made again; /view shows it"),
            };
        }

        return made;
    }

    private IReadOnlyList<MadePicture> Enlarged(string node, EnlargedImage image, double factor)
    {
        int scale = (int)Math.Round(factor);
        if (Math.Abs(factor - scale) > 0.02 || scale < 2)
        {
            throw NotDone(node, null, $"a picture is enlarged 2, 3 or 4 times here, and would be {factor:0.##} times");
        }

        var fields = new Dictionary<string, (string, string?)>(StringComparer.Ordinal)
        {
            ["model"] = (image.Upscaler.Node, "model_name"),
            ["image"] = (image.Image.Node, "image"),
        };
        return
        [
            .. Sources(image.Image, out _)
                .Select(source =>
                    Add(
                        new PlannedJob
                        {
                            Body = new SuperResolutionBody
                            {
                                Model = image.Upscaler.Model.Name,
                                Image = source.Picture,
                                Scale = scale,
                            },
                            From = source.Made,
                            Worker = image.Node,
                            Fields = fields,
                        }
                    )
                ),
        ];
    }

    private static double FactorOf(ScaledImage scaled, EnlargedImage enlarged)
    {
        double whole = enlarged.Upscaler.Model.Scale ?? 4;
        return scaled.Factor > 0 ? whole * scaled.Factor
            : SizeOf(enlarged.Image) is { Width: > 0 } size
                ? (scaled.Width > 0 ? (double)scaled.Width / size.Width : (double)scaled.Height / size.Height)
            : whole;
    }

    /// <summary>The pictures that a node would get: sent before, or made by other jobs; and the size they would have, if another.</summary>
    private IReadOnlyList<PictureOrigin> Sources(ImageValue image, out (int Width, int Height)? size)
    {
        size = null;
        switch (image)
        {
            case LoadedImage loaded:
                return [new PictureOrigin(loaded.Picture.Source, null)];
            case ScaledImage { Image: not EnlargedImage } scaled:
                IReadOnlyList<PictureOrigin> inner = Sources(scaled.Image, out _);
                size = SizeOf(scaled);
                return inner;
            case PaddedImage padded:
                throw NotDone(padded.Node, "image", "goes into VAEEncodeForInpaint, with the mask of the same node");
            default:
                return [.. Make(image).Select(made => new PictureOrigin(null, made))];
        }
    }

    private MadePicture Add(PlannedJob job) =>
        Plan.Jobs.Count >= maxJobs
            ? throw NotDone(job.Worker, null, $"a graph may be {maxJobs} jobs at most; split it")
            : new MadePicture(Plan.Add(job), 0);

    /// <summary>The size of a picture; none where it is not known.</summary>
    private static (int Width, int Height)? SizeOf(ImageValue image) =>
        image switch
        {
            LoadedImage loaded => (loaded.Picture.Width, loaded.Picture.Height),
            DecodedImage decoded => SizeOf(decoded.Latent),
            EnlargedImage enlarged => Times(SizeOf(enlarged.Image), enlarged.Upscaler.Model.Scale ?? 4),
            ScaledImage { Factor: > 0 } scaled => Times(SizeOf(scaled.Image), scaled.Factor),
            ScaledImage { Width: > 0, Height: > 0 } scaled => (scaled.Width, scaled.Height),
            ScaledImage scaled when SizeOf(scaled.Image) is { Width: > 0, Height: > 0 } of => scaled.Width > 0
                ? (scaled.Width, Whole((double)of.Height * scaled.Width / of.Width))
            : scaled.Height > 0 ? (Whole((double)of.Width * scaled.Height / of.Height), scaled.Height)
            : of,
            _ => null,
        };

    private static (int Width, int Height)? SizeOf(LatentValue latent) =>
        latent switch
        {
            EmptyLatent empty => (empty.Width, empty.Height),
            EncodedLatent encoded => Of8(SizeOf(encoded.Image)),
            MaskedLatent masked => SizeOf(masked.Latent),
            SampledLatent pass => SizeOf(pass.Latent),
            ResizedLatent { Factor: > 0 } resized => Of8(Times(SizeOf(resized.Latent), resized.Factor)),
            ResizedLatent { Width: > 0, Height: > 0 } resized => (resized.Width, resized.Height),
            ResizedLatent resized when SizeOf(resized.Latent) is { Width: > 0, Height: > 0 } of => resized.Width > 0
                ? Of8((resized.Width, Whole((double)of.Height * resized.Width / of.Width)))
            : resized.Height > 0 ? Of8((Whole((double)of.Width * resized.Height / of.Height), resized.Height))
            : of,
            _ => null,
        };

    private static (int Width, int Height)? Times((int Width, int Height)? size, double factor) =>
        size is var (width, height) ? (Whole(width * factor), Whole(height * factor)) : null;

    private static (int Width, int Height)? Of8((int Width, int Height)? size) =>
        size is var (width, height) ? (Math.Max(8, width / 8 * 8), Math.Max(8, height / 8 * 8)) : null;

    private static int Whole(double side) => (int)Math.Clamp(Math.Round(side), 1, 1 << 20);

    private static NodeException NotDone(string node, string? input, string details) => new(NodeError.NotDone(node, input, details));

    /// <summary>Where a job's picture comes from: it was sent before, or another job makes it.</summary>
    private sealed record PictureOrigin(PictureSource? Picture, MadePicture? Made);
}
