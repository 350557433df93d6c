namespace Generation.Contracts;

/// <summary>An input picture that is kept in the results store.</summary>
/// <param name="Sha256">Hash of its bytes, 64 lowercase hexadecimal digits: its name in the store.</param>
/// <param name="ContentType">image/png, image/jpeg or image/webp, by its content.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Width">Width in pixels, as it is to be looked at: its EXIF orientation is taken into account.</param>
/// <param name="Height">Height in pixels, likewise.</param>
public sealed record StoredPicture(string Sha256, string ContentType, long Bytes, int Width, int Height);
