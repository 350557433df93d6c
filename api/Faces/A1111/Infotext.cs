using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Api.Faces.Shared;
using Generation.Contracts;
using Generation.Imaging;

namespace Generation.Api.Faces.A1111;

/// <summary>
/// The text of how a picture was made, as the web UI writes it into files and reads it back: the prompt's lines, lines that begin with
/// "Negative prompt:", and a last line of "Key: value" pairs with commas between.
/// </summary>
internal static partial class Infotext
{
    /// <summary>No text of a picture is longer.</summary>
    public const int MaxLength = 1 << 16;

    /// <summary>A last line with fewer pairs is words of the prompt.</summary>
    private const int LeastPairs = 3;

    private const string Negative = "Negative prompt:";

    /// <summary>The fields of a request that the pairs of a text fill.</summary>
    private static readonly (string Pair, string Field)[] Fields =
    [
        ("Prompt", "prompt"),
        ("Negative prompt", "negative_prompt"),
        ("Steps", "steps"),
        ("Sampler", "sampler_name"),
        ("Schedule type", "scheduler"),
        ("CFG scale", "cfg_scale"),
        ("Distilled CFG Scale", "distilled_cfg_scale"),
        ("Seed", "seed"),
        ("Size-1", "width"),
        ("Size-2", "height"),
        ("Denoising strength", "denoising_strength"),
        ("Hires upscale", "hr_scale"),
        ("Hires steps", "hr_second_pass_steps"),
        ("Hires upscaler", "hr_upscaler"),
        ("Refiner", "refiner_checkpoint"),
        ("Refiner switch at", "refiner_switch_at"),
        ("Clip skip", "clip_skip"),
        ("Mask blur", "mask_blur"),
    ];

    /// <summary>The values of a text by their names; sizes as two values, "Size-1" and "Size-2".</summary>
    public static IReadOnlyDictionary<string, string> Parse(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        string[] lines = text[..Math.Min(text.Length, MaxLength)].Trim().Split('\n', StringSplitOptions.TrimEntries);
        List<(string Name, string Value)> pairs = Pairs(lines[^1]);
        string[] words = pairs.Count < LeastPairs ? lines : lines[..^1];
        int negative = Array.FindIndex(words, line => line.StartsWith(Negative, StringComparison.Ordinal));
        values["Prompt"] = string.Join('\n', negative < 0 ? words : words[..negative]).Trim();
        values["Negative prompt"] = negative < 0 ? "" : string.Join('\n', words[negative..])[Negative.Length..].Trim();
        if (pairs.Count >= LeastPairs)
        {
            foreach ((string name, string value) in pairs)
            {
                Add(values, name, value);
            }
        }

        return values;
    }

    /// <summary>
    /// As <see cref="Parse"/>, with the sampler and its schedule apart and what the web UI adds where a text does not say it.
    /// </summary>
    public static IReadOnlyDictionary<string, string> ParseAsShown(string text, A1111Table table)
    {
        if (text.Length == 0)
        {
            return new Dictionary<string, string>();
        }

        var values = new Dictionary<string, string>(Parse(text), StringComparer.Ordinal);
        if (values.TryGetValue("Sampler", out string? sampler) && !values.ContainsKey("Schedule type"))
        {
            string? label = table
                .Schedules.Values.Select(s => s.Label)
                .FirstOrDefault(l => sampler.EndsWith(" " + l, StringComparison.OrdinalIgnoreCase));
            values["Sampler"] = label is null ? sampler : sampler[..^(label.Length + 1)];
            values["Schedule type"] = label ?? "Automatic";
        }

        values.TryAdd("Clip skip", "1");
        return values;
    }

    /// <summary>Sets the fields of a request that it leaves out and its "infotext" has.</summary>
    public static void Fill(FaceBody body)
    {
        if (body.Text("infotext") is not { } text)
        {
            return;
        }

        IReadOnlyDictionary<string, string> values = Parse(text);
        foreach ((string pair, string field) in Fields)
        {
            if (!body.Has(field) && values.TryGetValue(pair, out string? value) && value.Length > 0)
            {
                body.Add(field, FaceValue.Of(value));
            }
        }

        if (!body.Has("enable_hr") && values.ContainsKey("Hires upscale") && values.ContainsKey("Denoising strength"))
        {
            body.Add("enable_hr", FaceValue.Of("true"));
        }
    }

    /// <summary>The text of a picture that a job was to make, for one that was not finished and has none in its file.</summary>
    public static string Of(PictureRequest request, long seed, A1111Table table)
    {
        (string sampler, string schedule) = A1111Names.SamplerOf(request.Scheduler, table);
        return new GenerationParameters
        {
            Prompt = request.Prompt,
            NegativePrompt = request.NegativePrompt,
            Steps = request.NumInferenceSteps,
            Sampler = sampler,
            GuidanceScale = request.GuidanceScale,
            Seed = seed,
            Width = request.Width,
            Height = request.Height,
            Model = request.Model,
            Others = [new("Schedule type", schedule), new("Version", table.Version)],
        }.ToString();
    }

    /// <summary>The pairs of a line, in one pass over it. A value with a comma, a colon or a line's end is a JSON string.</summary>
    private static List<(string Name, string Value)> Pairs(string line)
    {
        var pairs = new List<(string, string)>();
        for (int at = 0; at < line.Length; )
        {
            int colon = line.IndexOf(':', at);
            if (colon < 0)
            {
                break;
            }

            int begin = colon;
            while (begin > at && (char.IsLetterOrDigit(line[begin - 1]) || line[begin - 1] is '_' or ' ' or '-' or '/'))
            {
                begin--;
            }

            string name = line[begin..colon].Trim();
            int value = colon + 1;
            while (value < line.Length && line[value] == ' ')
            {
                value++;
            }

            int end = EndOf(line, value);
            if (name.Length > 1)
            {
                pairs.Add((name, Unquoted(line[value..end].Trim())));
                at = end + 1;
            }
            else
            {
                at = colon + 1;
            }
        }

        return pairs;
    }

    /// <summary>Where a value ends: at its closing quote, if a comma or nothing is behind it, else at the next comma.</summary>
    private static int EndOf(string line, int value)
    {
        if (value < line.Length && line[value] == '"')
        {
            int quote = value + 1;
            while (quote < line.Length && line[quote] != '"')
            {
                quote += line[quote] == '\\' ? 2 : 1;
            }

            if (quote == line.Length - 1 || (quote < line.Length && line[quote + 1] == ','))
            {
                return quote + 1;
            }
        }

        int comma = value < line.Length ? line.IndexOf(',', value) : -1;
        return comma < 0 ? line.Length : comma;
    }

    private static void Add(Dictionary<string, string> values, string name, string value)
    {
        if (Size().Match(value) is { Success: true } size)
        {
            (values[name + "-1"], values[name + "-2"]) = (size.Groups["width"].Value, size.Groups["height"].Value);
        }
        else
        {
            values[name] = value;
        }
    }

    private static string Unquoted(string value)
    {
        if (value.Length < 2 || value[0] != '"' || value[^1] != '"')
        {
            return value;
        }

        try
        {
            return JsonSerializer.Deserialize<string>(value) ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return value;
        }
    }

    /// <summary>A number as the web UI writes it.</summary>
    public static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<width>\d{1,9})x(?<height>\d{1,9})$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Size();
}
