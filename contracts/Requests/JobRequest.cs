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

    /// <summary>
    /// Everything in the request that says what is to be seen: accounts' rules about words look here, and nowhere else. What is
    /// not to be seen (a negative prompt) may have any word and is not among it.
    /// </summary>
    [JsonIgnore]
    public abstract IEnumerable<PromptText> Prompts { get; }
}

/// <summary>Words of a request that say what is to be seen.</summary>
/// <param name="Field">The request's field, as it is called on the wire.</param>
public readonly record struct PromptText(string Field, string Text);
