using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>Single fields. Each method returns the value to go on with, also where an error says that it is wrong.</summary>
internal sealed partial class RequestChecks
{
    public const long MaxSeed = (1L << 53) - 1;

    private static readonly string[] PictureFormats = ["png", "jpg", "webp"];

    /// <summary>A text with a greatest length, in UTF-16 code units.</summary>
    public string Text(string field, string value, int maxLength)
    {
        if (value.Length > maxLength)
        {
            errors.Add(field, $"may have {maxLength} characters at most, and has {value.Length}");
        }

        return value;
    }

    /// <summary>The seed; drawn where none is given.</summary>
    public long Seed(long? seed) => Range("seed", seed ?? RandomNumberGenerator.GetInt32(int.MaxValue), 0, MaxSeed);

    /// <summary>The share of the noise schedule that a picture goes through, above 0 to 1.</summary>
    public double Strength(string field, double strength)
    {
        if (!(strength > 0 && strength <= 1))
        {
            errors.Add(field, $"must be above 0 and at most 1, and is {strength}");
        }

        return strength;
    }

    /// <summary>The denoising steps; as many as the model does where none are given.</summary>
    public int Steps(ModelEntry model, int? steps) => Range("num_inference_steps", steps ?? model.DefaultSteps, 1, model.MaxSteps);

    /// <summary>How strongly the prompt is followed; as the model does where it is not given.</summary>
    public double GuidanceScale(ModelEntry model, double? scale) => Range("guidance_scale", scale ?? model.DefaultGuidanceScale, 0, 50);

    /// <summary>The file format of pictures.</summary>
    public string PictureFormat(string? format) => Choice("output_format", format ?? PictureFormats[0], PictureFormats);

    /// <summary>The quality of formats with loss, 1 to 100.</summary>
    public int Quality(int? quality) => Range("output_quality", quality ?? 90, 1, 100);

    /// <summary>A number between two, which it may be.</summary>
    /// <param name="field">The field's name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="least">The least that it may be.</param>
    /// <param name="most">The most that it may be.</param>
    /// <param name="where">For what the limits hold, as the end of a sentence: " with demo".</param>
    public T Range<T>(string field, T value, T least, T most, string where = "")
        where T : INumber<T>
    {
        if (!(value >= least && value <= most))
        {
            errors.Add(field, $"must be {least} to {most}{where}, and is {value}");
        }

        return value;
    }

    /// <summary>One of the known values.</summary>
    public string Choice(string field, string value, string[] known)
    {
        if (!known.Contains(value))
        {
            errors.Add(
                field,
                $"must be one of {string.Join(", ", known)}, and is '{ErrorText.Shown(value)}'{ErrorText.DidYouMean(value, known)}"
            );
        }

        return value;
    }

    /// <summary>The value of an enumeration that a name on the wire stands for.</summary>
    public T Choice<T>(string field, string? name, T otherwise)
        where T : struct, Enum
    {
        if (name is null)
        {
            return otherwise;
        }

        string[] known = [.. Enum.GetValues<T>().Select(value => JsonSerializer.Serialize(value).Trim('"'))];
        int index = Array.IndexOf(known, Choice(field, name, known));
        return index < 0 ? otherwise : Enum.GetValues<T>()[index];
    }

    /// <summary>The picture that was brought in for a field; null where there is none.</summary>
    public StoredPicture? Picture(string field) => pictures.GetValueOrDefault(field);

    /// <summary>The picture of a field that must have one; null where there is none, which is an error.</summary>
    public StoredPicture? RequiredPicture(string field, PictureSource? source)
    {
        if (source is null && !errors.Has(field))
        {
            errors.Add(field, "is required");
        }

        return Picture(field);
    }
}
