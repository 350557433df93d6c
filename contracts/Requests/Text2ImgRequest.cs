using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>Words to pictures.</summary>
public sealed record Text2ImgRequest : PictureRequest
{
    [JsonIgnore]
    public override JobKind Kind => JobKind.Text2Img;
}
