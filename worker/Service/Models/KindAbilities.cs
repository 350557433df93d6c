using Generation.Contracts;
using Generation.Diffusion.Families;

namespace Generation.Service.Models;

/// <summary>Which kinds of jobs a model's abilities make it fit for.</summary>
internal static class KindAbilities
{
    // Control is not among them: a model does it once its entry names a control network
    private static readonly (ModelAbilities Ability, JobKind Kind)[] Table =
    [
        (ModelAbilities.Text2Img, JobKind.Text2Img),
        (ModelAbilities.Img2Img, JobKind.Img2Img),
        (ModelAbilities.Inpaint, JobKind.Inpaint),
        (ModelAbilities.Outpaint, JobKind.Outpaint),
        (ModelAbilities.Edit, JobKind.Edit),
        (ModelAbilities.Upscale, JobKind.SuperResolution),
        (ModelAbilities.Text2Video, JobKind.Video),
        (ModelAbilities.Img2Video, JobKind.Video),
    ];

    /// <summary>The kinds, each once.</summary>
    public static IEnumerable<JobKind> Of(ModelAbilities abilities) =>
        Table.Where(row => abilities.HasFlag(row.Ability)).Select(row => row.Kind).Distinct();
}
