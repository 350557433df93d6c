using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Generation.Api;

/// <summary>Single fields.</summary>
internal sealed partial class RequestChecks
{
    private string Prompt(string? prompt)
    {
        if (prompt is null)
        {
            if (!errors.Has("prompt"))
            {
                errors.Add("prompt", "is required");
            }

            return "";
        }

        if (string.IsNullOrWhiteSpace(prompt))
        {
            errors.Add("prompt", "must not be empty");
        }

        return Text("prompt", prompt, MaxPromptLength);
    }

    private string Text(string field, string value, int maxLength)
    {
        if (value.Length > maxLength)
        {
            errors.Add(field, $"may have {maxLength} characters at most, and has {value.Length}");
        }

        return value;
    }

    private long Seed(long? seed) => Range("seed", seed ?? RandomNumberGenerator.GetInt32(int.MaxValue), 0, MaxSeed);

    /// <summary>Share of the noise schedule that a picture goes through.</summary>
    private double Strength(double? given, double otherwise)
    {
        double strength = given ?? otherwise;
        if (!(strength > 0 && strength <= 1))
        {
            errors.Add("strength", $"must be above 0 and at most 1, and is {strength}");
        }

        return strength;
    }

    private T Range<T>(string field, T value, T least, T most, string where = "")
        where T : INumber<T>
    {
        if (!(value >= least && value <= most))
        {
            errors.Add(field, $"must be {least} to {most}{where}, and is {value}");
        }

        return value;
    }

    private string Choice(string field, string value, string[] known)
    {
        if (!known.Contains(value))
        {
            errors.Add(field, $"must be one of {string.Join(", ", known)}, and is '{Words.Shown(value)}'{Words.DidYouMean(value, known)}");
        }

        return value;
    }

    /// <summary>The enum's value that its name on the wire stands for.</summary>
    private T Choice<T>(string field, string? name, T otherwise)
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

    /// <summary>Whether PostgreSQL's jsonb takes it.</summary>
    private static bool IsStorable(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.Object => value.EnumerateObject().All(p => !p.Name.Contains('\0') && IsStorable(p.Value)),
                JsonValueKind.Array => value.EnumerateArray().All(IsStorable),
                JsonValueKind.String => !value.GetString()!.Contains('\0'),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
