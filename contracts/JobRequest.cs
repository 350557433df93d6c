using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>
/// What a job is to do, checked and with every default filled in: the API stores it with the job, and a worker runs it. Two equal requests
/// on one model version give equal bytes.
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
    /// All texts of the request that say what its outputs are to show. Accounts' rules about words look here, and nowhere else. A negative
    /// prompt is not among them, and may have any word.
    /// </summary>
    [JsonIgnore]
    public abstract IEnumerable<PromptText> Prompts { get; }

    /// <summary>Calls the visitor's method for this shape of request.</summary>
    public abstract T Accept<T>(IJobRequestVisitor<T> visitor);
}

/// <summary>
/// Does something that differs between the shapes of requests: pictures, clips, enlarging. A new shape has to add a method here, and does
/// not compile until everything that differs between shapes handles it.
/// </summary>
/// <typeparam name="T">The result.</typeparam>
public interface IJobRequestVisitor<out T>
{
    public T Visit(PictureRequest request);

    public T Visit(VideoRequest request);

    public T Visit(SuperResolutionRequest request);
}

/// <summary>A text of a request that says what its outputs are to show.</summary>
/// <param name="Field">The name of the request's field on the wire.</param>
/// <param name="Text">The text.</param>
public readonly record struct PromptText(string Field, string Text);

/// <summary>What is done with outputs that the model's safety checker flags.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SafetyPolicy>))]
public enum SafetyPolicy
{
    /// <summary>They are not checked.</summary>
    [JsonStringEnumMemberName("off")]
    Off = 0,

    /// <summary>They are handed out, with nsfw true.</summary>
    [JsonStringEnumMemberName("flag")]
    Flag = 1,

    /// <summary>They are blurred past recognition.</summary>
    [JsonStringEnumMemberName("blur")]
    Blur = 2,

    /// <summary>They are replaced by black pictures.</summary>
    [JsonStringEnumMemberName("black")]
    Black = 3,
}

/// <summary>An input picture that is kept in the results store.</summary>
/// <param name="Sha256">Hash of its bytes, 64 lowercase hexadecimal digits: its name in the store.</param>
/// <param name="ContentType">image/png, image/jpeg or image/webp, by its content.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Width">The width in pixels after rotation by the EXIF orientation.</param>
/// <param name="Height">The height in pixels after rotation by the EXIF orientation.</param>
public sealed record StoredPicture(string Sha256, string ContentType, long Bytes, int Width, int Height);
