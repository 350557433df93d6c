using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Masks;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>Runs the model's safety checker over an output, and applies the safety policy.</summary>
internal static class SafetyGate
{
    // Of the larger side: what is left are a few patches of colour
    private const double BlurShare = 1.0 / 12;

    /// <summary>How many frames of a clip are checked, evenly spread.</summary>
    private const int FramesSeen = 8;

    /// <summary>
    /// Returns the picture as it may be handed out, and whether the checker flagged it: null where nothing was checked, because the policy
    /// is off or the model has no checker. Call it on a compute thread.
    /// </summary>
    public static (Picture Picture, bool? Nsfw) Pass(LoadedModel model, SafetyPolicy policy, Picture picture)
    {
        (IReadOnlyList<Picture> pictures, bool? nsfw) = Pass(model, policy, [picture]);
        return (pictures[0], nsfw);
    }

    /// <summary>The same for a clip, which is judged as a whole by some of its frames.</summary>
    public static (IReadOnlyList<Picture> Frames, bool? Nsfw) Pass(LoadedModel model, SafetyPolicy policy, IReadOnlyList<Picture> frames)
    {
        if (policy == SafetyPolicy.Off || model.Safety?.Get() is not { } checker)
        {
            return (frames, null);
        }

        int seen = Math.Min(frames.Count, FramesSeen);
        bool nsfw = checker
            .Check([.. Enumerable.Range(0, seen).Select(k => frames[seen == 1 ? 0 : k * (frames.Count - 1) / (seen - 1)])])
            .Any(flagged => flagged);
        return (nsfw ? [.. frames.Select(frame => Cover(frame, policy))] : frames, nsfw);
    }

    private static Picture Cover(Picture picture, SafetyPolicy policy) =>
        policy switch
        {
            SafetyPolicy.Blur => picture.DropAlpha().Blur(Math.Max(picture.Width, picture.Height) * BlurShare),
            SafetyPolicy.Black => new Picture(picture.Width, picture.Height, 3),
            _ => picture,
        };
}
