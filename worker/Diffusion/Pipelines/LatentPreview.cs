using Generation.Diffusion.Networks;
using Generation.Imaging;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// Draws small pictures of unfinished latents, by a linear projection of each latent to red, green and blue. For published autoencoders the
/// projection is known. Other autoencoders decode small latents, which shows more and takes little time; for larger ones a projection is
/// fitted once to what they decode. An <see cref="AutoencoderTiny"/> draws pictures in full size, which takes longer and shows more.
/// </summary>
public sealed class LatentPreview
{
    private const long MaxDecodedPixels = 128 * 128;

    private readonly Lazy<double[][]> _colours;
    private readonly AutoencoderTiny? _decoder;
    private readonly AutoencoderKL? _vae;

    private LatentPreview(Func<double[][]> colours, AutoencoderTiny? decoder = null, AutoencoderKL? vae = null) =>
        (_colours, _decoder, _vae) = (new Lazy<double[][]>(colours), decoder, vae);

    /// <summary>Previews of an autoencoder's latents. The autoencoder remains the caller's.</summary>
    public static LatentPreview For(AutoencoderKL vae) => For(vae.Config) ?? new(() => Fit(vae), vae: vae);

    /// <summary>Previews by the known projection of a published autoencoder's latents; null for other autoencoders.</summary>
    public static LatentPreview? For(AutoencoderConfig config) =>
        LatentColours.Of(config.ScalingFactor, config.LatentChannels) is { } colours ? new(() => colours) : null;

    /// <summary>Previews by a small autoencoder for the same latents (TAESD). It remains the caller's.</summary>
    public static LatentPreview With(AutoencoderTiny decoder) => new(() => [], decoder);

    /// <summary>
    /// Draws one picture from (channels, height, width) latents as the denoising network takes them, with a standard deviation of about
    /// one. It has a pixel for each latent, or as many as an autoencoder makes.
    /// </summary>
    public Picture Render(Tensor latents)
    {
        using DisposeScope scope = NewDisposeScope();
        if (_decoder is not null)
        {
            Tensor decoded = _decoder.Decode(latents.to(ScalarType.Float32).to(_decoder.Parameters.Device).unsqueeze(0));
            return PictureTensors.ToPictures(PictureTensors.FromDecoded(decoded))[0];
        }

        if (_vae is not null && latents.shape[1] * latents.shape[2] * _vae.Config.Downscale * _vae.Config.Downscale <= MaxDecodedPixels)
        {
            return PictureTensors.ToPictures(PictureTensors.FromDecoded(_vae.Decode(_vae.FromDenoiser(latents.unsqueeze(0)))))[0];
        }

        double[][] fit = _colours.Value;
        int channels = fit.Length - 1;
        Tensor weights = tensor(fit[..channels].SelectMany(row => row).Select(value => (float)value).ToArray()).view(channels, 3);
        Tensor constant = tensor(fit[channels].Select(value => (float)value).ToArray());
        Tensor pixels = TorchExtras.product(latents.to(ScalarType.Float32).cpu().permute(1, 2, 0), weights) + constant;
        return PictureTensors.ToPictures((((pixels / 2) + 0.5).clamp(0, 1)).unsqueeze(0))[0];
    }

    // Least squares over smooth random latents, as pictures have them: white noise decodes to something else.
    private static double[][] Fit(AutoencoderKL vae)
    {
        using DisposeScope scope = NewDisposeScope();
        int channels = vae.Config.LatentChannels;
        int side = vae.Config.Downscale;
        using var generator = new Generator(1, CPU);
        Tensor coarse = randn([4, channels, 5, 5], dtype: ScalarType.Float32, generator: generator);
        Tensor latents = nn.functional.interpolate(coarse, size: [16, 16], mode: InterpolationMode.Bilinear, align_corners: true);
        latents = latents + (0.3 * randn(latents.shape, dtype: ScalarType.Float32, generator: generator));
        latents = latents / latents.std();
        Tensor device = latents.to(vae.Parameters.Device);
        Tensor decoded = vae.Decode(vae.FromDenoiser(device)).to(ScalarType.Float32).cpu().clamp(-1, 1);
        Tensor small = nn.functional.avg_pool2d(decoded, side);
        double[] x = [.. latents.permute(0, 2, 3, 1).contiguous().to(ScalarType.Float64).data<double>()];
        double[] y = [.. small.permute(0, 2, 3, 1).contiguous().to(ScalarType.Float64).data<double>()];
        return Solve(x, y, channels);
    }

    // The normal equations, by elimination with pivots: at most 17 unknowns.
    private static double[][] Solve(double[] x, double[] y, int channels)
    {
        int n = channels + 1;
        double[][] rows = new double[n][];
        for (int i = 0; i < n; i++)
        {
            rows[i] = new double[n + 3];
        }

        for (int sample = 0; sample < y.Length / 3; sample++)
        {
            for (int i = 0; i < n; i++)
            {
                double xi = i < channels ? x[(sample * channels) + i] : 1;
                for (int j = 0; j < n; j++)
                {
                    rows[i][j] += xi * (j < channels ? x[(sample * channels) + j] : 1);
                }

                for (int c = 0; c < 3; c++)
                {
                    rows[i][n + c] += xi * y[(sample * 3) + c];
                }
            }
        }

        for (int i = 0; i < n; i++)
        {
            int pivot = Enumerable.Range(i, n - i).MaxBy(row => Math.Abs(rows[row][i]));
            (rows[i], rows[pivot]) = (rows[pivot], rows[i]);
            for (int row = 0; row < n; row++)
            {
                double factor = row == i || rows[i][i] == 0 ? 0 : rows[row][i] / rows[i][i];
                for (int j = i; factor != 0 && j < n + 3; j++)
                {
                    rows[row][j] -= factor * rows[i][j];
                }
            }
        }

        return [.. rows.Select((row, i) => row[n..].Select(value => row[i] == 0 ? 0 : value / row[i]).ToArray())];
    }
}
