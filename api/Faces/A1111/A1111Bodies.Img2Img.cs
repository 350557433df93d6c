using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.A1111;

/// <summary>Requests that begin with a picture, with or without a mask.</summary>
internal sealed partial class A1111Bodies
{
    private const double AspectTolerance = 0.02;

    /// <summary>The jobs of an img2img call.</summary>
    public IReadOnlyList<PictureBody> Img2Img()
    {
        if (body.Value("init_images") is null || body.Pictures("init_images") is not { Count: > 0 } images)
        {
            body.Errors.ThrowIfAny();
            throw new ProblemException(404, "image_missing", "Init image not found");
        }

        if (Controls().Length > 0)
        {
            body.Errors.Add("alwayson_scripts.ControlNet", "goes with txt2img here, and not with img2img");
        }

        PictureSource? mask = body.Picture("mask");
        if (mask is not null)
        {
            return OfImages(images, image => Inpaint(image, mask));
        }

        ModelEntry? chosen = Model(JobKind.Img2Img);
        bool isEditor = chosen is not null && chosen.Kinds.Contains(JobKind.Edit) && !chosen.Kinds.Contains(JobKind.Img2Img);
        return OfImages(images, image => isEditor ? Edit(image) : FromImage(image));
    }

    /// <summary>Pictures of one picture, or of one each.</summary>
    private List<PictureBody> OfImages(IReadOnlyList<PictureSource> images, Func<PictureSource, PictureBody> create)
    {
        PictureBody first = create(images[0]);
        WarnOfFit(images, first);
        if (images.Count == 1)
        {
            return InParts(first, ModelOf(first)?.MaxImages);
        }

        if (images.Count > Batch.Size)
        {
            body.Errors.Add("init_images", $"may be one picture, or batch_size ({Batch.Size}) at most, and are {images.Count}");
            return [first];
        }

        Batch = (images.Count, Batch.Iterations);
        return
        [
            .. Enumerable
                .Range(0, images.Count * Batch.Iterations)
                .Select(index => Of(first, images[index % images.Count]) with { NumImages = 1, Seed = first.Seed + index }),
        ];
    }

    private static PictureBody Of(PictureBody first, PictureSource image) => (ImageBody)first with { Image = image };

    private Img2ImgBody FromImage(PictureSource image)
    {
        Img2ImgBody native = Common(new Img2ImgBody { Image = image }, JobKind.Img2Img);
        native.Strength = Strength(native.NumInferenceSteps);
        return native;
    }

    private EditBody Edit(PictureSource image) =>
        Common(
            new EditBody { Image = image, ImageGuidanceScale = body.Number("image_cfg_scale") ?? table.Defaults.ImageCfgScale },
            JobKind.Edit
        );

    private InpaintBody Inpaint(PictureSource image, PictureSource mask)
    {
        InpaintBody native = Common(
            new InpaintBody
            {
                Image = image,
                Mask = mask,
                MaskMode = IsInverted() ? "paint_black" : "paint_white",
                Padding = body.Flag("inpaint_full_res") ?? true ? body.Int("inpaint_full_res_padding") ?? 0 : null,
                MaskBlur = MaskBlur(),
            },
            JobKind.Inpaint
        );
        native.Strength = Strength(native.NumInferenceSteps);
        WarnOfMask(native, mask);
        return native;
    }

    private bool IsInverted() => body.Flag("inpainting_mask_invert") ?? false;

    private double MaskBlur()
    {
        if (body.Number("mask_blur") is { } both)
        {
            return both;
        }

        double x = body.Number("mask_blur_x") ?? table.Defaults.MaskBlur;
        double y = body.Number("mask_blur_y") ?? table.Defaults.MaskBlur;
        if (x != y)
        {
            Warn("mask_blur_x: the mask's edge is softened alike in both directions.");
        }

        return (x + y) / 2;
    }

    private void WarnOfMask(InpaintBody native, PictureSource mask)
    {
        int fill = body.Int("inpainting_fill") ?? 0;
        if (fill < 0 || fill >= table.InpaintingFills.Length)
        {
            body.Errors.Add("inpainting_fill", $"must be 0 to {table.InpaintingFills.Length - 1}, and is {fill}");
        }
        else if (table.InpaintingFills[fill] != "original" && native.Strength < 1)
        {
            Warn(
                $"inpainting_fill: {table.InpaintingFills[fill]} is not done; what is under the mask begins as it is in the picture "
                    + "(1, original)."
            );
        }

        if (body.Flag("mask_round") == false)
        {
            Warn("mask_round: the mask is black and white; what is in between goes to the nearer.");
        }

        if (PictureStart.HasAlpha(mask))
        {
            Warn("mask: what is transparent in it is kept, whatever its colour.");
        }
    }

    private void WarnOfFit(IReadOnlyList<PictureSource> images, PictureBody native)
    {
        int mode = body.Int("resize_mode") ?? 0;
        if (mode < 0 || mode >= table.ResizeModes.Length)
        {
            body.Errors.Add("resize_mode", $"must be 0 to {table.ResizeModes.Length - 1}, and is {mode}");
            return;
        }

        const int Crop = 1;
        if (
            mode != Crop
            && native is { Width: > 0 and var width, Height: > 0 and var height }
            && images.Any(image =>
                PictureStart.SizeOf(image) is not var (w, h) || Math.Abs(((double)w * height / ((double)h * width)) - 1) > AspectTolerance
            )
        )
        {
            Warn(
                $"resize_mode: {table.ResizeModes[mode]} is not done; a picture of another shape than {width} x {height} is cropped to it "
                    + "(1, crop and resize)."
            );
        }

        if (body.Number("initial_noise_multiplier") is { } noise && noise != 1)
        {
            Warn("initial_noise_multiplier: is not done; it is 1.");
        }
    }
}
