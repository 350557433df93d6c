using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// The work of one job, checked and with every default filled in: what the API stores with the job and a worker runs.
/// Two equal requests on one model version give equal bytes.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Text2ImgRequest), "text2img")]
[JsonDerivedType(typeof(Img2ImgRequest), "img2img")]
[JsonDerivedType(typeof(InpaintRequest), "inpaint")]
[JsonDerivedType(typeof(OutpaintRequest), "outpaint")]
[JsonDerivedType(typeof(EditRequest), "edit")]
[JsonDerivedType(typeof(ControlNetRequest), "controlnet")]
[JsonDerivedType(typeof(SuperResolutionRequest), "super-resolution")]
[JsonDerivedType(typeof(VideoRequest), "video")]
public abstract record JobRequest
{
    /// <summary>Name of the model in the catalogue.</summary>
    public required string Model { get; init; }

    /// <summary>What is done with outputs that the safety checker flags.</summary>
    public SafetyPolicy Safety { get; init; }

    [JsonIgnore]
    public abstract JobKind Kind { get; }
}
