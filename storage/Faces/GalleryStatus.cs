namespace Generation.Storage.Faces;

/// <summary>Whether an output is shown to everybody. The numbers are stored: they never change.</summary>
public enum GalleryStatus
{
    NotSubmitted = 0,

    /// <summary>Its owner wants it to be shown.</summary>
    Submitted = 1,

    /// <summary>It is shown.</summary>
    Approved = 2,

    Rejected = 3,
}
