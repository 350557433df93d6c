using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api;

/// <summary>Checks a request by its model's entry and fills in what was left out. Every error names field, limit and value.</summary>
/// <param name="errors">Takes what is wrong.</param>
/// <param name="models">What workers have registered.</param>
/// <param name="schedulers">Likewise.</param>
/// <param name="pictures">The input pictures, by field; one that is missing though the body has it is an error already told.</param>
internal sealed partial class RequestChecks(
    FieldErrors errors,
    IReadOnlyDictionary<string, ModelEntry> models,
    IReadOnlyList<SchedulerEntry> schedulers,
    IReadOnlyDictionary<string, StoredPicture> pictures
)
{
    public const int MaxPromptLength = 4000;
    public const long MaxSeed = (1L << 53) - 1;
    private const int MaxMetadataBytes = 16 * 1024;
    private const int DefaultExpiresIn = 24 * 3600;

    private static readonly string[] Formats = ["png", "jpg", "webp"];

    /// <summary>Checks a body of any kind.</summary>
    /// <exception cref="ProblemException">Something is wrong; all of it is listed.</exception>
    public CheckedRequest Check(JobBody body)
    {
        CheckJob(body);
        CheckedRequest? request = body switch
        {
            Text2ImgBody b => Check(b),
            Img2ImgBody b => Check(b),
            InpaintBody b => Check(b),
            OutpaintBody b => Check(b),
            EditBody b => Check(b),
            ControlNetBody b => Check(b),
            SuperResolutionBody b => Check(b),
            VideoBody b => Check(b),
            _ => throw new ArgumentException($"There are no checks for {body.GetType().Name}.", nameof(body)),
        };
        errors.ThrowIfAny();
        return request ?? throw new InvalidOperationException("An unknown model is an error.");
    }

    /// <summary>How long the job may wait for its start.</summary>
    public static TimeSpan ExpiresIn(JobBody body) => TimeSpan.FromSeconds(body.ExpiresIn ?? DefaultExpiresIn);

    private void CheckJob(JobBody body)
    {
        Range("priority", body.Priority ?? 0, -100, 100);
        Range("expires_in", body.ExpiresIn ?? DefaultExpiresIn, 1, 7 * 24 * 3600);
        WebhooksApi.Check(body, errors);
        if (body.Metadata is { } metadata)
        {
            string raw = metadata.GetRawText();
            if (metadata.ValueKind != JsonValueKind.Object)
            {
                errors.Add("metadata", $"must be an object, and is {Words.KindOf(metadata)}");
            }
            else if (System.Text.Encoding.UTF8.GetByteCount(raw) is var bytes and > MaxMetadataBytes)
            {
                errors.Add("metadata", $"may have {MaxMetadataBytes} bytes at most, and has {bytes}");
            }
            else if (!IsStorable(metadata))
            {
                errors.Add("metadata", "contains the character U+0000 or half of a surrogate pair");
            }
        }
    }
}

/// <summary>A request with which nothing is wrong.</summary>
/// <param name="Request">With every default filled in.</param>
/// <param name="Model">The entry of its model.</param>
/// <param name="Plan">What is done for it.</param>
internal sealed record CheckedRequest(JobRequest Request, ModelEntry Model, JobPlan Plan);
