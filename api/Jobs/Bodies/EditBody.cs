using System.ComponentModel;

namespace Generation.Api;

/// <summary>Changes a picture as an instruction says; the prompt is the instruction.</summary>
public sealed record EditBody : ImageBody
{
    [Description("How closely the result keeps to the picture, 1 to 20; else 1.5.")]
    public double? ImageGuidanceScale { get; set; }
}
