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
