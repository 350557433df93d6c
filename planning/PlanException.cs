namespace Generation.Planning;

/// <summary>A request asks for what cannot be planned, however its fields look one by one.</summary>
/// <param name="field">The request's field at fault, as it is called on the wire.</param>
/// <param name="message">What is wrong with it and what to do, as the end of a sentence that begins with the field.</param>
public sealed class PlanException(string field, string message) : Exception(message)
{
    public string Field { get; } = field;
}
