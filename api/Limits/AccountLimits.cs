using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Limits;

/// <summary>
/// What an account may do: configuration section "Limits", over which an account's own limits go, field by field.
/// What has no limit is unlimited.
/// </summary>
public sealed record AccountLimits
{
    public const string Section = "Limits";

    /// <summary>Calls a second that change something.</summary>
    [Range(0.001, 1e6)]
    public double? RequestsPerSecond { get; init; } = 50;

    /// <summary>Calls that change something which may come at once after a pause.</summary>
    [Range(1, 1_000_000)]
    public int Burst { get; init; } = 100;

    /// <summary>Calls a second that only read; as many may come at once.</summary>
    [Range(0.001, 1e6)]
    public double? ReadsPerSecond { get; init; }

    /// <summary>Jobs that wait at one time.</summary>
    [Range(0, int.MaxValue)]
    public int? QueuedJobs { get; init; } = 100_000;

    /// <summary>Jobs that run at one time; more wait.</summary>
    [Range(1, int.MaxValue)]
    public int? RunningJobs { get; init; }

    /// <summary>Width times height of a picture.</summary>
    [Range(1, long.MaxValue)]
    public long? Pixels { get; init; }

    /// <summary>Steps that are run for an output, over all its passes.</summary>
    [Range(1, int.MaxValue)]
    public int? Steps { get; init; }

    /// <summary>Outputs of a request.</summary>
    [Range(1, int.MaxValue)]
    public int? Outputs { get; init; }

    /// <summary>Days for which outputs are kept after the job's end.</summary>
    [Range(1, 36_500)]
    public int? RetentionDays { get; init; } = 30;

    /// <summary>Refuses a request whose plan is for more than the account may do.</summary>
    /// <exception cref="ProblemException">A limit is exceeded; the problem has its name.</exception>
    public void Check(JobPlan plan)
    {
        Check("pixels", (long)plan.Width * plan.Height, Pixels);
        Check("steps", plan.Steps, Steps);
        Check("outputs", plan.Outputs, Outputs);
    }

    /// <summary>The problem document for a limit that is exceeded.</summary>
    public static Problem Exceeded(string limit, string detail) =>
        Problem.Of(StatusCodes.Status429TooManyRequests, "limit_exceeded", detail) with
        {
            Limit = limit,
        };

    private static void Check(string limit, long value, long? most)
    {
        if (value > most)
        {
            throw new ProblemException(
                Exceeded(limit, $"Your account's limit '{limit}' is {most} for a request, and this one has {value}.")
            );
        }
    }
}

/// <summary>The limits that hold for a caller.</summary>
internal sealed class LimitsDirectory(IOptions<AccountLimits> defaults)
{
    private readonly ConcurrentDictionary<string, AccountLimits> _own = new();

    public AccountLimits Of(Caller caller) => caller.Limits is null ? defaults.Value : _own.GetOrAdd(caller.Limits, Merge);

    /// <summary>Checks an account's own limits before they are kept.</summary>
    public static void CheckOwn(JsonElement own, FieldErrors errors)
    {
        if (own.ValueKind != JsonValueKind.Object)
        {
            errors.Add("limits", $"must be an object, and is {ErrorText.KindOf(own)}");
            return;
        }

        string[] known =
        [
            .. JsonSerializer
                .SerializeToElement(
                    new AccountLimits
                    {
                        ReadsPerSecond = 1,
                        RunningJobs = 1,
                        Pixels = 1,
                        Steps = 1,
                        Outputs = 1,
                    },
                    WireJson.Options
                )
                .EnumerateObject()
                .Select(p => p.Name),
        ];
        try
        {
            foreach (string unknown in own.EnumerateObject().Select(p => p.Name).Except(known))
            {
                errors.Add("limits", $"there is no limit '{ErrorText.Shown(unknown)}'{ErrorText.DidYouMean(unknown, known)}");
            }

            var results = new List<ValidationResult>();
            AccountLimits limits = own.Deserialize<AccountLimits>(WireJson.Options)!;
            Validator.TryValidateObject(limits, new ValidationContext(limits), results, validateAllProperties: true);
            foreach (ValidationResult result in results)
            {
                errors.Add("limits", result.ErrorMessage ?? "out of range");
            }
        }
        catch (JsonException e)
        {
            errors.Add("limits", $"{e.Path?.TrimStart('$', '.')} is not of its type");
        }
        catch (InvalidOperationException)
        {
            errors.Add("limits", "has a name that is not valid Unicode");
        }
    }

    private AccountLimits Merge(string own)
    {
        JsonObject merged = System.Text.Json.Nodes.JsonNode.Parse(JsonSerializer.Serialize(defaults.Value, WireJson.Options))!.AsObject();
        foreach (JsonProperty property in JsonSerializer.Deserialize<JsonElement>(own).EnumerateObject())
        {
            merged[property.Name] = System.Text.Json.Nodes.JsonNode.Parse(property.Value.GetRawText());
        }

        return merged.Deserialize<AccountLimits>(WireJson.Options)!;
    }
}
