namespace Generation.Imaging;

/// <summary>What is wrong with a picture file.</summary>
public enum PictureFault
{
    /// <summary>The bytes are no picture in a format that is read here.</summary>
    NotAPicture,

    /// <summary>The format is known, but the file breaks its rules: cut short, changed on the way, inconsistent.</summary>
    Damaged,

    /// <summary>The picture or its file is larger than the limit.</summary>
    TooLarge,
}

/// <summary>
/// A picture file was refused. The message names what is wrong with it, the limit and the value; it is fit for the file's owner.
/// </summary>
public sealed class PictureException(PictureFault fault, string message) : Exception(message)
{
    public PictureFault Fault { get; } = fault;
}
