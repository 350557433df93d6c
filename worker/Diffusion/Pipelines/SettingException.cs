namespace Generation.Diffusion.Pipelines;

/// <summary>A setting of a run cannot be. The message names the field, its value and the limit.</summary>
/// <param name="field">The setting, in snake_case as requests name it.</param>
public sealed class SettingException(string field, string detail) : ArgumentException($"{field}: {detail}")
{
    public string Field { get; } = field;
}
