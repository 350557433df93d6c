using System.Globalization;
using System.Text;
using System.Text.Json;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Planning;

namespace Generation.Api.Kinds;

/// <summary>
/// Checks a request by its model's entry and fills in what was left out. Every error names the field, its limit and its value.
/// What only one kind has is checked by that kind; all that kinds share is checked here.
/// </summary>
/// <param name="errors">Takes what is wrong.</param>
/// <param name="models">The models that workers have registered, by name.</param>
/// <param name="schedulers">The schedulers that workers have registered.</param>
/// <param name="pictures">The pictures that were brought in, by field. Where one is missing that the body has, an error says why.</param>
internal sealed partial class RequestChecks(
    FieldErrors errors,
    IReadOnlyDictionary<string, ModelEntry> models,
    IReadOnlyList<SchedulerEntry> schedulers,
    IReadOnlyDictionary<string, StoredPicture> pictures
)
{
    private const int MaxWebhookUrlLength = 2000;
    private const int DefaultExpiresIn = 24 * 3600;

    private static readonly string[] WebhookEvents = ["queued", "started", "finished"];

    /// <summary>What has been found to be wrong.</summary>
    public FieldErrors Errors => errors;

    /// <summary>How long a job may wait for its start.</summary>
    public static TimeSpan ExpiresIn(JobBody body) => TimeSpan.FromSeconds(body.ExpiresIn ?? DefaultExpiresIn);

    /// <summary>Checks a body of any kind.</summary>
    /// <exception cref="ProblemException">Something is wrong; all of it is listed.</exception>
    public CheckedRequest Check(JobBody body)
    {
        CheckJob(body);
        CheckWebhook(body);
        CheckedRequest? request = KindTable.Of(body).Check(body, this);
        errors.ThrowIfAny();
        return request
            ?? throw new InvalidOperationException($"The checks of {KindTable.Of(body).Name} refused a request without an error.");
    }

    /// <summary>
    /// The request with its plan; null where something is wrong with it. What can be seen only once all is planned is checked
    /// here: whether any steps are left to run, and the product of pixels, steps and frames, of which each alone may be large.
    /// </summary>
    public CheckedRequest? Planned(JobRequest request, ModelEntry model)
    {
        if (errors.HasAny)
        {
            return null;
        }

        try
        {
            JobPlan plan = JobPlanner.Plan(request, model, models.GetValueOrDefault);
            plan =
                _warnings.Count == 0
                    ? plan
                    : plan with
                    {
                        Warnings = [.. _warnings.Select(warning => warning.Text)],
                        WarningNotices = [.. _warnings.Select(warning => warning.Notice)],
                    };
            long work = (long)plan.Width * plan.Height * plan.Steps * plan.Frames;
            if (model.MaxPixelSteps is not { } most || work <= most)
            {
                return new CheckedRequest(request, model, plan);
            }

            errors.Add(
                "num_inference_steps",
                $"times pixels{(plan.Frames > 1 ? " and frames" : "")} may be {most} at most with {model.Name}, and is {work}; "
                    + "ask for fewer steps or a smaller size"
            );
        }
        catch (PlanException e)
        {
            errors.Add(e.Field, e.Message);
        }

        return null;
    }

    private void CheckJob(JobBody body)
    {
        Range("priority", body.Priority ?? 0, -100, 100);
        Range("expires_in", body.ExpiresIn ?? DefaultExpiresIn, 1, 7 * 24 * 3600);
        if (body.Metadata is not { } metadata)
        {
            return;
        }

        if (metadata.ValueKind != JsonValueKind.Object)
        {
            errors.Add("metadata", $"must be an object, and is {ErrorText.KindOf(metadata)}");
        }
        else if (Encoding.UTF8.GetByteCount(metadata.GetRawText()) is var bytes and > StrictReader.MaxValueBytes)
        {
            errors.Add("metadata", $"may have {StrictReader.MaxValueBytes} bytes at most, and has {bytes}");
        }
        else if (!IsStorable(metadata))
        {
            errors.Add("metadata", "contains the character U+0000, half of a surrogate pair, or a number that is out of all range");
        }
    }

    private void CheckWebhook(JobBody body)
    {
        if (body.WebhookUrl is { } address)
        {
            if (OutboundHttp.WhyNot(address, out _) is { } why)
            {
                errors.Add("webhook_url", $"{why}, and is '{ErrorText.Shown(address)}'");
            }
            else
            {
                Text("webhook_url", address, MaxWebhookUrlLength);
            }
        }
        else if (body.WebhookEvents is not null)
        {
            errors.Add("webhook_events", "needs a webhook_url");
        }

        foreach (string name in (body.WebhookEvents ?? []).Where(e => !WebhookEvents.Contains(e)))
        {
            errors.Add(
                "webhook_events",
                $"takes {string.Join(", ", WebhookEvents)}, and has '{ErrorText.Shown(name)}'{ErrorText.DidYouMean(name, WebhookEvents)}"
            );
        }
    }

    /// <summary>Whether PostgreSQL's jsonb takes a value.</summary>
    private static bool IsStorable(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.Object => value.EnumerateObject().All(p => !p.Name.Contains('\0') && IsStorable(p.Value)),
                JsonValueKind.Array => value.EnumerateArray().All(IsStorable),
                JsonValueKind.String => !value.GetString()!.Contains('\0'),
                JsonValueKind.Number => IsStorableNumber(value.GetRawText()),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Whether the database's decimal numbers, which have some thousands of digits, can hold a number of JSON.</summary>
    private static bool IsStorableNumber(string number)
    {
        const int MaxDigits = 1000;
        const int MaxExponent = 1000;
        int e = number.AsSpan().IndexOfAny('e', 'E');
        return number.Length <= MaxDigits
            && (
                e < 0
                || (
                    int.TryParse(number.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int exponent)
                    && exponent is >= -MaxExponent and <= MaxExponent
                )
            );
    }
}

/// <summary>A request with which nothing is wrong.</summary>
/// <param name="Request">The request, with every default filled in.</param>
/// <param name="Model">The entry of its model.</param>
/// <param name="Plan">What is done for it.</param>
internal sealed record CheckedRequest(JobRequest Request, ModelEntry Model, JobPlan Plan);
