namespace Generation.Imaging;

/// <summary>What is wrong with a picture file.</summary>
public enum PictureFault
{
    /// <summary>The bytes are not a picture in a format that can be read.</summary>
    NotAPicture,

    /// <summary>The format is known, but the file violates its rules: it is truncated, altered, or inconsistent.</summary>
    Damaged,

    /// <summary>The picture or its file is larger than the limit.</summary>
    TooLarge,
}

/// <summary>
/// A picture file was refused. The message names what is wrong with it, the limit and the value, and is meant for the file's owner.
/// </summary>
public sealed class PictureException(PictureFault fault, string message) : Exception(message)
{
    public PictureFault Fault { get; } = fault;
}
