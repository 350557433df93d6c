using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Generation.Api.Web;

namespace Generation.Api.Kinds;

/// <summary>Fields of every job request, as they are on the wire.</summary>
public abstract record JobBody
{
    [Description("Order among your own waiting jobs: higher goes first. -100 to 100, else 0.")]
    public int? Priority { get; set; }

    [Description("If no worker begins within so many seconds, the job expires and costs nothing. 1 to 604800, else a day.")]
    public int? ExpiresIn { get; set; }

    [Description("Any JSON object of at most 16 KiB; given back with the job.")]
    public JsonElement? Metadata { get; set; }

    [Description("An http(s) address that gets messages about the job, by Standard Webhooks.")]
    public string? WebhookUrl { get; set; }

    [Description("Of what it is told: queued, started, finished. Absent: finished.")]
    [MaxLength(16)]
    public string[]? WebhookEvents { get; set; }

    [Description("A model's name from /v1/models; absent: the only one of this kind, or the embedded one.")]
    public string? Model { get; set; }

    [Description("What is done with outputs that the safety checker flags: off, flag, blur or black.")]
    public string? Safety { get; set; }

    /// <summary>The fields that may bring a picture, each with what it has; null where it has none.</summary>
    internal abstract IEnumerable<(string Field, PictureSource? Source)> Pictures { get; }
}
