using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>Passes of samplers as native requests for pictures.</summary>
internal sealed partial class JobPlanner
{
    /// <summary>So far two shapes may be from each other, as a share, and count as one.</summary>
    private const double ShapeTolerance = 0.02;

    private List<MadePicture> Sampled(SampledLatent pass, VaeValue vae)
    {
        (pass, RefinerBody? refiner) = Whole(pass);
        if (SecondPass(pass, vae, refiner) is { } both)
        {
            return both;
        }

        double strength = Strength(pass);
        switch (pass.Latent)
        {
            case EmptyLatent empty:
                if (strength < 1)
                {
                    throw NotDone(pass.Node, "denoise", "must be 1 where the latent is empty; less leaves some of a picture's latent");
                }

                return FromNoise(pass, vae, refiner, empty);
            case MaskedLatent { Latent: EncodedLatent { Image: PaddedImage padded }, Mask: PaddingMask }:
                return Outpainted(pass, vae, refiner, padded);
            case MaskedLatent masked:
                return Inpainted(pass, vae, refiner, masked, strength);
            default:
                IReadOnlyList<PictureOrigin> origins = Origins(pass.Latent, out (int Width, int Height)? size);
                return OfEach(origins, pass, vae, refiner, source => new Img2ImgBody
                {
                    Image = source,
                    Strength = strength,
                    Width = size?.Width,
                    Height = size?.Height,
                });
        }
    }

    private List<MadePicture> FromNoise(SampledLatent pass, VaeValue vae, RefinerBody? refiner, EmptyLatent empty)
    {
        int part = Math.Max(1, pass.Model.Model.MaxImages);
        var made = new List<MadePicture>();
        ControlBody[] controls = Controls(pass);
        for (int first = 0; first < empty.Batch; first += part)
        {
            int count = Math.Min(part, empty.Batch - first);
            PictureBody body = controls.Length > 0 ? new ControlNetBody { Control = controls } : new Text2ImgBody();
            (body.Width, body.Height, body.NumImages) = (empty.Width, empty.Height, count);
            Fill(body, pass, vae, refiner);
            body.Seed += first;
            MadePicture picture = Add(Job(body, pass, null));
            made.AddRange(Enumerable.Range(0, count).Select(index => picture with { Index = index }));
        }

        return made;
    }

    private List<MadePicture> Inpainted(SampledLatent pass, VaeValue vae, RefinerBody? refiner, MaskedLatent masked, double strength)
    {
        if (masked.Mask is not LoadedMask mask)
        {
            throw NotDone(masked.Node, "mask", "the mask of ImagePadForOutpaint goes with the picture of the same node");
        }

        IReadOnlyList<PictureOrigin> origins = Origins(masked.Latent, out (int Width, int Height)? size);
        return OfEach(origins, pass, vae, refiner, source => new InpaintBody
        {
            Image = source,
            Mask = mask.Picture,
            MaskMode = mask.Mode,
            MaskGrow = masked.Grow > 0 ? masked.Grow : null,
            Strength = strength,
            Width = size?.Width,
            Height = size?.Height,
        });
    }

    private List<MadePicture> Outpainted(SampledLatent pass, VaeValue vae, RefinerBody? refiner, PaddedImage padded)
    {
        IReadOnlyList<PictureOrigin> origins = Sources(padded.Image, out _);
        int? shortest = SizeOf(padded.Image) is var (width, height) ? Math.Min(width, height) : null;
        return OfEach(origins, pass, vae, refiner, source => new OutpaintBody
        {
            Image = source,
            Left = padded.Left,
            Right = padded.Right,
            Top = padded.Top,
            Bottom = padded.Bottom,
            Overlap = shortest is { } side ? Math.Min(padded.Feathering, Math.Max(0, (side / 2) - 1)) : null,
        });
    }

    /// <summary>One job for each picture.</summary>
    private List<MadePicture> OfEach(
        IReadOnlyList<PictureOrigin> origins,
        SampledLatent pass,
        VaeValue vae,
        RefinerBody? refiner,
        Func<PictureSource?, ImageBody> create
    )
    {
        if (pass.Positive.Controls is [{ Node: var node }, ..])
        {
            throw NotDone(node, null, "control pictures go with an empty latent here, and not with a picture's");
        }

        var made = new List<MadePicture>();
        foreach (PictureOrigin origin in origins)
        {
            ImageBody body = create(origin.Picture);
            body.NumImages = 1;
            Fill(body, pass, vae, refiner);
            body.Seed += made.Count;
            made.Add(Add(Job(body, pass, origin.Made)));
        }

        return made;
    }

    /// <summary>
    /// Two passes of one model with one prompt, the second over the enlarged first: hires fix. Null where it is not that; then the second
    /// is a job of its own.
    /// </summary>
    private List<MadePicture>? SecondPass(SampledLatent pass, VaeValue vae, RefinerBody? refiner)
    {
        (LatentValue? before, UpscaleModelValue? upscaler) = pass.Latent switch
        {
            ResizedLatent { Latent: SampledLatent inner } => (inner, null),
            EncodedLatent { Image: ScaledImage { Image: DecodedImage { Latent: SampledLatent inner } } } => (inner, null),
            EncodedLatent { Image: EnlargedImage { Image: DecodedImage { Latent: SampledLatent inner } } enlarged } => (
                inner,
                enlarged.Upscaler
            ),
            EncodedLatent
            {
                Image: ScaledImage { Image: EnlargedImage { Image: DecodedImage { Latent: SampledLatent inner } } enlarged }
            } => (inner, enlarged.Upscaler),
            _ => ((LatentValue?)null, (UpscaleModelValue?)null),
        };
        if (
            refiner is not null
            || before is not SampledLatent { Latent: EmptyLatent empty } first
            || !IsSame(first, pass)
            || first.LeavesNoise
            || !first.AddsNoise
            || first.Run.Start > 0
            || first.Denoise < 1
            || SizeOf(pass.Latent) is not var (width, height)
            || (upscaler is not null && upscaler.Model.Name != pass.Model.Model.Upscaler?.Name)
        )
        {
            return null;
        }

        double scale = (double)width / empty.Width;
        if (scale is <= 1 or > 4 || Math.Abs(((double)height / empty.Height / scale) - 1) > ShapeTolerance)
        {
            return null;
        }

        List<MadePicture> made = FromNoise(first with { Node = pass.Node }, vae, null, empty with { Width = width, Height = height });
        foreach (int place in made.Select(picture => picture.Place).Distinct())
        {
            ((PictureBody)Plan.Jobs[place].Body).HiresFix = new HiresFixBody
            {
                Scale = Math.Round(scale, 4),
                Strength = Strength(pass),
                Steps = pass.Steps,
                Upscaler = upscaler is null ? HiresFix.Lanczos : null,
            };
        }

        return made;
    }

    private static bool IsSame(SampledLatent one, SampledLatent other) =>
        one.Model.Model.Name == other.Model.Model.Name
        && one.Model.Loras.SequenceEqual(other.Model.Loras)
        && one.Positive.Text == other.Positive.Text
        && one.Negative?.Text == other.Negative?.Text
        && one.Positive.Guidance == other.Positive.Guidance
        && one.Positive.Controls.Select(c => c.Node).SequenceEqual(other.Positive.Controls.Select(c => c.Node))
        && one.Cfg == other.Cfg
        && one.Sampler == other.Sampler
        && one.Scheduler == other.Scheduler;

    /// <summary>A pass that goes on where another has left noise, as one with a refiner.</summary>
    private static (SampledLatent Pass, RefinerBody? Refiner) Whole(SampledLatent pass)
    {
        if (pass is not { AddsNoise: false, Latent: SampledLatent { LeavesNoise: true } first })
        {
            if (pass.LeavesNoise)
            {
                throw NotDone(pass.Node, "return_with_leftover_noise", "what is left must go into a second sampler, which adds none");
            }

            return pass.AddsNoise
                ? (pass, null)
                : throw NotDone(pass.Node, "add_noise", "must be enable, but behind a sampler that leaves noise");
        }

        if (first.Run.End != pass.Run.Start || pass.Run.End < pass.Steps || first.Steps != pass.Steps || pass.LeavesNoise)
        {
            throw NotDone(
                pass.Node,
                "start_at_step",
                "both samplers must have the same steps, the second begin where the first ends, and run to the end"
            );
        }

        if (first.Positive.Text != pass.Positive.Text || first.Negative?.Text != pass.Negative?.Text)
        {
            throw NotDone(pass.Node, "positive", "the refiner has the same prompts as the first model here");
        }

        var refiner = new RefinerBody { Model = pass.Model.Model.Name, SwitchAt = Math.Round((double)first.Run.End / first.Steps, 4) };
        SampledLatent whole = first with { Node = pass.Node, Run = (first.Run.Start, int.MaxValue), LeavesNoise = false };
        return first.Model.Model.Name == pass.Model.Model.Name ? (whole, null) : (whole, refiner);
    }

    /// <summary>The share of the noise that a pass begins with.</summary>
    private static double Strength(SampledLatent pass)
    {
        if (pass.Run.End < pass.Steps)
        {
            throw NotDone(pass.Node, "end_at_step", "a pass runs to its last step, but before a sampler that goes on with its noise");
        }

        double strength = pass.Run.Start > 0 ? 1 - ((double)pass.Run.Start / pass.Steps) : pass.Denoise;
        return strength > 0 ? strength : throw NotDone(pass.Node, "denoise", "with 0 nothing is made");
    }

    /// <summary>The pictures whose latents a pass begins with.</summary>
    private IReadOnlyList<PictureOrigin> Origins(LatentValue latent, out (int Width, int Height)? size)
    {
        switch (latent)
        {
            case EncodedLatent encoded:
                return Sources(encoded.Image, out size);
            case ResizedLatent resized:
                IReadOnlyList<PictureOrigin> origins = Origins(resized.Latent, out _);
                size = SizeOf(resized);
                return origins;
            case SampledLatent pass:
                size = null;
                DecodedImage decoded = DecodedOf(pass);
                return [.. Make(decoded).Select(made => new PictureOrigin(null, made))];
            default:
                throw NotDone(latent.Node, null, "only the latent of a picture, or of another sampler, can be sampled again");
        }
    }

    private readonly Dictionary<SampledLatent, DecodedImage> _decoded = new(ReferenceEqualityComparer.Instance);

    /// <summary>The picture of a latent that goes from sampler to sampler: one, however many take it.</summary>
    private DecodedImage DecodedOf(SampledLatent pass)
    {
        if (!_decoded.TryGetValue(pass, out DecodedImage? image))
        {
            DecodedImage? known = _made.Keys.OfType<DecodedImage>().FirstOrDefault(i => ReferenceEquals(i.Latent, pass));
            _decoded[pass] = image = known ?? new DecodedImage(pass.Node, pass, new VaeValue(pass.Node, null));
        }

        return image;
    }
}
