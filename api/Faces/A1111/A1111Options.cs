using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.A1111;

/// <summary>
/// The options of each account, above all its checkpoint, which clients set in one call and mean in the next. They are kept in Redis; each
/// job of this face has them in its metadata, from which they come back if Redis lost them.
/// </summary>
internal sealed class A1111Options(FaceMemory memory, JobQueries jobs, ModelDirectory models, A1111Table table, IOptions<FaceOptions> faces)
{
    public const string Checkpoint = "sd_model_checkpoint";

    private const string Hash = "sd_checkpoint_hash";

    /// <summary>No option's value is longer.</summary>
    private const int MaxValueLength = 1000;

    /// <summary>Marks that the values of an account were looked for, so that an account without any is not looked for again.</summary>
    private const string Known = "";

    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    /// <summary>What an account has set, as text by option; the checkpoint by the catalogue's name.</summary>
    public async Task<IReadOnlyDictionary<string, string>> OfAsync(Guid account, CancellationToken cancellationToken)
    {
        if (await memory.FindAsync(KeyOf(account), cancellationToken) is { } kept)
        {
            return kept.Where(v => v.Key != Known).ToDictionary(v => v.Key, v => FaceMemory.Text(v.Value));
        }

        IReadOnlyList<JobRow> newest = await jobs.ListAsync(new JobFilter { AccountId = account, Limit = 100 }, cancellationToken);
        IReadOnlyDictionary<string, string> last = newest
            .Select(row => A1111Note.Read(row.Metadata))
            .FirstOrDefault(note => note is not null)
            ?.Options
            ?? new Dictionary<string, string>();
        await SetAsync(account, last, cancellationToken);
        return last;
    }

    /// <summary>Sets options of an account, and leaves the others. False if they cannot be kept at present.</summary>
    public Task<bool> SetAsync(Guid account, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken) =>
        memory.KeepAsync(
            KeyOf(account),
            values.Append(new(Known, "")).ToDictionary(v => v.Key, v => FaceMemory.Bytes(v.Value)),
            Kept,
            cancellationToken
        );

    /// <summary>
    /// Reads options of a JSON object, each checked by itself. Null and an empty text set nothing.
    /// </summary>
    /// <param name="given">The object's members.</param>
    /// <param name="catalogue">The models that workers have registered.</param>
    /// <param name="unknown">Called for an option that is none here.</param>
    public Dictionary<string, string> Read(FaceBody given, IReadOnlyDictionary<string, ModelEntry> catalogue, Action<string> unknown)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in given.Names)
        {
            if (name is Hash || !given.Has(name))
            {
                continue;
            }

            if (name == Checkpoint)
            {
                AddCheckpoint(values, given, catalogue);
            }
            else if (table.Options.TryGetValue(name, out string? usual))
            {
                if (ValueOf(given, name, usual) is { } value)
                {
                    values[name] = value;
                }
            }
            else
            {
                unknown(name);
            }
        }

        return values;
    }

    /// <summary>GET /sdapi/v1/options.</summary>
    public async Task<IResult> GetAsync(HttpContext http, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, string> own = await OfAsync(http.Caller().AccountId, cancellationToken);
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        string? checkpoint = own.GetValueOrDefault(Checkpoint) ?? A1111Names.Default(JobKind.Text2Img, table, catalogue)?.Name;
        var options = new JsonObject { [Checkpoint] = checkpoint is null ? null : WeightFiles.TitleOf(checkpoint), [Hash] = null };
        foreach ((string name, string usual) in table.Options)
        {
            options[name] = JsonOf(own.GetValueOrDefault(name, usual), usual);
        }

        return Results.Json(options);
    }

    /// <summary>POST /sdapi/v1/options.</summary>
    public async Task<IResult> PostAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: false), cancellationToken);
        Dictionary<string, string> values = Read(body, await models.ModelsAsync(cancellationToken), name =>
            body.Errors.Add(
                name,
                $"is no option here{ErrorText.DidYouMean(name, table.Options.Keys.Append(Checkpoint))}; GET /sdapi/v1/options lists all"
            )
        );
        body.Errors.ThrowIfAny();
        if (values.Count > 0 && !await SetAsync(http.Caller().AccountId, values, cancellationToken))
        {
            throw new ProblemException(503, "options_unavailable", "Options cannot be kept at present. Nothing was changed; try again.")
            {
                RetryAfterSeconds = 2,
            };
        }

        return A1111Lists.Null();
    }

    private void AddCheckpoint(Dictionary<string, string> values, FaceBody given, IReadOnlyDictionary<string, ModelEntry> catalogue)
    {
        if (given.Text(Checkpoint) is not { } name)
        {
            return;
        }

        try
        {
            if (
                (A1111Names.Checkpoint(name, table, catalogue) ?? A1111Names.Default(JobKind.Text2Img, table, catalogue)?.Name) is { } model
            )
            {
                values[Checkpoint] = model;
            }
        }
        catch (UnknownNameException e)
        {
            given.Fail(Checkpoint, e.Message);
        }
    }

    private static string? ValueOf(FaceBody given, string name, string usual)
    {
        if (bool.TryParse(usual, out _))
        {
            return given.Flag(name) switch
            {
                true => "true",
                false => "false",
                null => null,
            };
        }

        if (double.TryParse(usual, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
        {
            return given.Number(name)?.ToString(CultureInfo.InvariantCulture);
        }

        string? text = given.Text(name);
        if (text?.Length > MaxValueLength)
        {
            given.Fail(name, $"may have {MaxValueLength} characters at most, and has {text.Length}");
            return null;
        }

        return text;
    }

    private static JsonValue JsonOf(string value, string usual) =>
        bool.TryParse(usual, out _) ? JsonValue.Create(value == "true")
        : double.TryParse(usual, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
        && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number == Math.Floor(number) && Math.Abs(number) < 1e15 ? JsonValue.Create((long)number)
                : JsonValue.Create(number)
        : JsonValue.Create(value)!;

    private static string KeyOf(Guid account) => $"a1111:options:{account:N}";
}

/// <summary>
/// What a job of this face has in its metadata: to which call it belongs, and the options of its account at that time.
/// </summary>
/// <param name="Call">The call's name, which its jobs share.</param>
/// <param name="Place">The job's place in it, from 0.</param>
/// <param name="Places">How many jobs it has.</param>
/// <param name="Task">The client's name of the call, force_task_id.</param>
/// <param name="Options">The account's options.</param>
internal sealed record A1111Note(string Call, int Place, int Places, string? Task, IReadOnlyDictionary<string, string> Options)
{
    private const string Field = "a1111";

    public JsonElement Write() => JsonSerializer.SerializeToElement(new Dictionary<string, A1111Note> { [Field] = this }, WireJson.Options);

    /// <summary>The note of a job; null where it has none, for it is not of this face.</summary>
    public static A1111Note? Read(JsonElement? metadata)
    {
        try
        {
            return
                metadata is { ValueKind: JsonValueKind.Object } all
                && all.TryGetProperty(Field, out JsonElement note)
                && note.ValueKind == JsonValueKind.Object
                ? note.Deserialize<A1111Note>(WireJson.Options) is { Call: not null, Options: not null } read
                    ? read
                    : null
                : null;
        }
        catch (JsonException)
        {
            // A caller of the native interface may write anything there
            return null;
        }
    }
}
