namespace Generation.Api.Faces.Shared;

/// <summary>A file part of a form.</summary>
/// <param name="Name">File name, as the client gave it; may be empty.</param>
/// <param name="ContentType">As the client gave it; may be empty.</param>
/// <param name="Bytes">The content.</param>
internal sealed record FaceFile(string Name, string ContentType, ReadOnlyMemory<byte> Bytes);
