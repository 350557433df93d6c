namespace Generation.Api;

/// <summary>Words to pictures.</summary>
public sealed record Text2ImgBody : PictureBody;
