using System.Diagnostics;
using OpenTelemetry;

namespace Generation.Diagnostics.Logging;

/// <summary>
/// Removes from spans, before they are exported, what <see cref="Redaction"/> knows, and everything but the server from addresses that were
/// called, because the addresses of webhooks can have secrets in their path. A span whose events hold a secret (an exception's text) cannot
/// be changed, and is not exported.
/// </summary>
internal sealed class SpanRedaction : BaseProcessor<Activity>
{
    /// <summary>The attributes that hold an address, in the present and the former conventions of OpenTelemetry.</summary>
    private static readonly string[] Addresses = ["url.full", "http.url"];

    public override void OnEnd(Activity data)
    {
        foreach ((string name, object? value) in data.TagObjects.ToArray())
        {
            if (value is string text && Clean(name, text) is var clean && clean != text)
            {
                data.SetTag(name, clean);
            }
        }

        if (data.StatusDescription is { } description && Redaction.Of(description) is var shown && shown != description)
        {
            data.SetStatus(data.Status, shown);
        }

        if (data.Events.Any(e => e.Tags.Any(tag => tag.Value is string text && Redaction.Of(text) != text)))
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }

    private static string Clean(string name, string value) =>
        Addresses.Contains(name) && Uri.TryCreate(value, UriKind.Absolute, out Uri? address)
            ? $"{address.Scheme}://{address.Authority}/"
            : Redaction.Of(value);
}
