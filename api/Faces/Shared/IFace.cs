using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// Another service's API as its clients know it, translated to and from native jobs. A face owns paths (or hosts, or a
/// port); of the core it sees what the native endpoints see, and the core sees nothing of it.
/// </summary>
internal interface IFace : IProblemShape
{
    /// <summary>Whether a request is this face's, by its path or host.</summary>
    public bool Owns(HttpRequest request);

    /// <summary>
    /// Before routing and authentication: takes the key from where this service's clients put it, and moves the path
    /// where they use another.
    /// </summary>
    public Task PrepareAsync(HttpContext http) => Task.CompletedTask;

    public void Map(IEndpointRouteBuilder routes);
}

/// <summary>A problem in the words of a face: native field names become the client's.</summary>
internal static class FaceProblem
{
    /// <summary>The fields at fault and what is wrong with each, under the client's names.</summary>
    /// <param name="problem">The native problem.</param>
    /// <param name="names">Native names to the client's, of those that differ.</param>
    public static IReadOnlyList<(string Field, string Detail)> Fields(Problem problem, IReadOnlyDictionary<string, string> names) =>
        [
            .. (problem.Errors ?? new Dictionary<string, string[]>()).SelectMany(e =>
                e.Value.Select(detail => (names.GetValueOrDefault(e.Key, e.Key), detail))
            ),
        ];

    /// <summary>All of the problem in one text.</summary>
    public static string Text(Problem problem, IReadOnlyDictionary<string, string> names) =>
        Fields(problem, names) is { Count: > 0 } fields
            ? string.Join(
                ' ',
                [
                    .. fields.Select(f => $"{f.Field}: {f.Detail}{(f.Detail.EndsWith('?') ? "" : ".")}"),
                    .. problem.MoreErrors is { } more ? [Problem.AndMore(more)] : Array.Empty<string>(),
                ]
            )
            : problem.Detail;
}
