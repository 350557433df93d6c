using Generation.Diffusion.Pipelines;
using Generation.Imaging.Codecs;

namespace Generation.Service.Rendering;

/// <summary>Times one job's steps: when a preview is due, and when the job is so nearly done that the next one may be let in.</summary>
internal sealed class StepClock(TimeProvider time, WorkerOptions options)
{
    private long _lastStep;
    private long _lastPreview = time.GetTimestamp();
    private TimeSpan _step;

    /// <summary>Called when the steps of a picture begin.</summary>
    public void Begin() => _lastStep = time.GetTimestamp();

    /// <summary>Whether a preview is due; if so, the time to the next one begins.</summary>
    public bool IsPreviewDue()
    {
        if (time.GetElapsedTime(_lastPreview) < options.PreviewInterval)
        {
            return false;
        }

        _lastPreview = time.GetTimestamp();
        return true;
    }

    /// <summary>Called after each step. Returns whether the remaining steps take no longer than the lookahead.</summary>
    public bool IsNearlyDone(int stepsLeft)
    {
        long now = time.GetTimestamp();
        TimeSpan last = time.GetElapsedTime(_lastStep, now);
        _lastStep = now;
        // A running mean that forgets: the first steps of a process are slow
        _step = _step == TimeSpan.Zero ? last : (_step * 0.7) + (last * 0.3);
        return options.Lookahead > TimeSpan.Zero && _step * stepsLeft <= options.Lookahead;
    }
}

/// <summary>A small JPEG preview of a run between two steps, as the model's family makes it.</summary>
internal static class StepPreview
{
    private const int MaxSide = 128;
    private const int Quality = 75;

    /// <summary>Makes the preview. Null where the family has none.</summary>
    public static byte[]? Make(StepReport report) =>
        report.Preview() is { } picture ? PictureCodec.Encode(Thumbnail.Of(picture, MaxSide), PictureFormat.Jpeg, Quality) : null;
}
