using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>
/// A kind of job as the API takes it. Whatever differs from kind to kind is a member of this class: the routes, the API's
/// description, the reader of bodies, the checks, the prices and the faces of other services ask the definition, which
/// <see cref="KindTable"/> has for every kind.
/// </summary>
internal abstract class KindDefinition
{
    /// <summary>Stands in <see cref="Example"/> for the id of an uploaded picture.</summary>
    public const string ExampleUpload = "upl_0198c2f0d5c47a0d8f3d6b8b0a3b6c11";

    /// <summary>The kind that is defined.</summary>
    public abstract JobKind Kind { get; }

    /// <summary>The kind's name on the wire.</summary>
    public string Name => Kind.WireName();

    /// <summary>The path to which requests of the kind are posted.</summary>
    public string Route => $"/v1/{Name}";

    /// <summary>What the kind does, in one line of the API's description.</summary>
    public abstract string Summary { get; }

    /// <summary>A request that works, as JSON, for the API's description.</summary>
    public abstract string Example { get; }

    /// <summary>Names of the fields that every request of the kind must have.</summary>
    public abstract IReadOnlyList<string> RequiredFields { get; }

    /// <summary>
    /// What the kind costs where that differs from the general figures, until it is measured how long its jobs take; null where
    /// it does not differ.
    /// </summary>
    public abstract KindPrice? Price { get; }

    /// <summary>Whether the outputs are clips; else they are pictures.</summary>
    public abstract bool MakesClips { get; }

    /// <summary>Whether a request may ask for a second pass over the enlarged picture, by hires_fix.</summary>
    public abstract bool TakesHiresFix { get; }

    /// <summary>Whether a request may bring pictures, and so may be a form and larger than other requests.</summary>
    public abstract bool TakesPictures { get; }

    /// <summary>The class that a request's body is read into.</summary>
    public abstract Type BodyType { get; }

    /// <summary>An empty body.</summary>
    public abstract JobBody NewBody();

    /// <summary>
    /// Checks a body of <see cref="BodyType"/> and fills in what was left out. Null where something is wrong with it: then the
    /// errors of <paramref name="checks"/> say what.
    /// </summary>
    public abstract CheckedRequest? Check(JobBody body, RequestChecks checks);
}

/// <summary>A kind whose requests are read into <typeparamref name="TBody"/>.</summary>
internal abstract class KindDefinition<TBody> : KindDefinition
    where TBody : JobBody, new()
{
    public sealed override bool TakesPictures { get; } = StrictReader.HasPictures(typeof(TBody));

    public sealed override Type BodyType => typeof(TBody);

    public sealed override JobBody NewBody() => new TBody();

    public sealed override CheckedRequest? Check(JobBody body, RequestChecks checks) => Check((TBody)body, checks);

    /// <inheritdoc cref="KindDefinition.Check(JobBody, RequestChecks)"/>
    protected abstract CheckedRequest? Check(TBody body, RequestChecks checks);
}
