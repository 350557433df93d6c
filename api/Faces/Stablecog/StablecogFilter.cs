using System.Globalization;
using Generation.Api.Web;
using Generation.Storage.Faces;

namespace Generation.Api.Faces.Stablecog;

/// <summary>The query string of a list of pictures.</summary>
/// <param name="Filter">Which pictures.</param>
/// <param name="PerPage">How many on a page.</param>
/// <param name="IsFavorited">Only favourites, of which there are none here.</param>
internal sealed record StablecogFilter(GalleryFilter Filter, int PerPage, bool? IsFavorited)
{
    private const int DefaultPerPage = 50;
    private const int MaxPerPage = 300;
    private const int MaxOffset = 1_000_000;

    private static readonly Dictionary<string, GalleryStatus> Statuses = new()
    {
        ["not_submitted"] = GalleryStatus.NotSubmitted,
        ["submitted"] = GalleryStatus.Submitted,
        ["approved"] = GalleryStatus.Approved,
        ["accepted"] = GalleryStatus.Approved,
        ["rejected"] = GalleryStatus.Rejected,
    };

    /// <summary>Whether pages are counted, as they are when searching, and not told by their times.</summary>
    public bool IsSearch => Filter.Search is not null;

    public static string NameOf(GalleryStatus status) => Statuses.First(s => s.Value == status).Key;

    /// <summary>Reads a query string.</summary>
    /// <exception cref="ProblemException">The first value that is wrong, in the service's words.</exception>
    public static StablecogFilter Read(IQueryCollection query, StablecogNames names)
    {
        int perPage = PerPageOf(Text("per_page"));
        string? search = Text("search");
        string? cursor = Text("cursor");
        var filter = new GalleryFilter
        {
            Width = (Number("min_width"), Number("max_width")),
            Height = (Number("min_height"), Number("max_height")),
            Steps = (Number("min_inference_steps"), Number("max_inference_steps")),
            GuidanceScale = (Number("min_guidance_scale"), Number("max_guidance_scale")),
            Widths = Numbers("widths", "width"),
            Heights = Numbers("heights", "height"),
            StepCounts = Numbers("inference_steps", "inference step"),
            GuidanceScales = Numbers("guidance_scales", "guidance scale"),
            Models = Ids("model_ids", "model id") is { } ids
                ? [.. names.Models.Where(m => ids.Contains(m.Id)).Select(m => m.Model.Name)]
                : null,
            Schedulers = Ids("scheduler_ids", "scheduler id") is { } some
                ? [.. names.Schedulers.Where(s => some.Contains(s.Id)).Select(s => s.Scheduler)]
                : null,
            Upscaled = Choice("upscaled", "any", "only", "not") switch
            {
                "only" => true,
                "not" => false,
                _ => null,
            },
            Gallery = [.. List("gallery_status").Select(StatusOf)],
            From = Time("start_dt"),
            Until = Time("end_dt"),
            Descending = Choice("order", "desc", "asc") == "desc",
            Search = search,
            Offset = search is not null && cursor is not null ? OffsetOf(cursor) : 0,
            After = search is null && cursor is not null ? TimeOf(cursor) ?? throw Wrong("cursor must be a valid iso time string") : null,
            Limit = perPage + 1,
        };
        Choice("order_by", "created_at", "updated_at");
        // Nothing is submitted by itself here
        if (Bool("was_auto_submitted") == true)
        {
            filter = filter with { Models = [] };
        }

        return new StablecogFilter(filter, perPage, Bool("is_favorited"));

        string? Text(string name) =>
            query[name].ToString() is not { Length: > 0 } text ? null
            // PostgreSQL takes neither
            : text.AsSpan().IndexOfAny('\0', '\uFFFD') < 0 ? text
            : throw Wrong($"invalid {name}");

        string[] List(string name) => Text(name)?.Split(',') ?? [];

        double? Number(string name) =>
            Text(name) is not { } text ? null
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value
            : throw Wrong($"invalid {name.Replace('_', ' ')}: {text}");

        double[] Numbers(string name, string one) =>
            [
                .. List(name)
                    .Select(text =>
                        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
                            ? value
                            : throw Wrong($"invalid {one}: {text}")
                    ),
            ];

        Guid[]? Ids(string name, string one) =>
            Text(name) is null
                ? null
                : [.. List(name).Select(text => Guid.TryParse(text, out Guid id) ? id : throw Wrong($"invalid {one}: {text}"))];

        DateTimeOffset? Time(string name) => Text(name) is not { } text ? null : TimeOf(text) ?? throw Wrong($"invalid {name}: {text}");

        bool? Bool(string name) =>
            Text(name)?.ToLowerInvariant() switch
            {
                null => null,
                "true" => true,
                "false" => false,
                var text => throw Wrong($"invalid {name}: '{text}' expected 'true' or 'false'"),
            };

        string Choice(string name, params string[] known) =>
            Text(name)?.ToLowerInvariant() is not { } text ? known[0]
            : known.Contains(text) ? text
            : throw Wrong($"invalid {name}: '{text}' expected {Expected(known)}");
    }

    private static string Expected(string[] known) =>
        known.Length == 2 ? $"'{known[0]}' or '{known[1]}'" : $"{string.Join(", ", known[..^1].Select(k => $"'{k}'"))}, or '{known[^1]}'";

    private static GalleryStatus StatusOf(string text) =>
        Statuses.TryGetValue(text.ToLowerInvariant(), out GalleryStatus status)
            ? status
            : throw Wrong($"invalid gallery_status: '{text}' expected {Expected([.. Statuses.Keys])}");

    private static int PerPageOf(string? text)
    {
        if (text is null)
        {
            return DefaultPerPage;
        }

        int value = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int parsed)
            ? parsed
            : throw Wrong("per_page must be an integer");
        return value is >= 1 and <= MaxPerPage ? value : throw Wrong($"per_page must be between 1 and {MaxPerPage}");
    }

    private static int OffsetOf(string cursor) =>
        int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out int offset) && offset <= MaxOffset
            ? offset
            : throw Wrong("cursor must be a valid uint");

    private static DateTimeOffset? TimeOf(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

    private static ProblemException Wrong(string error) => StablecogErrors.Error(400, error);
}
