namespace Generation.Contracts;

/// <summary>A super-resolution network that follows a model.</summary>
/// <param name="Name">The name for people and answers.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
/// <param name="Scale">The factor by which width and height grow.</param>
public sealed record UpscalerEntry(string Name, string Path, int Scale);

/// <summary>A control network that guides a model.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Type">The type of its control pictures, as requests name it: canny, depth, pose, ...</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
public sealed record ControlNetEntry(string Name, string Type, string Path);

/// <summary>A part of a model that requests can replace by name.</summary>
/// <param name="Name">The name in requests.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
public sealed record PartEntry(string Name, string Path);

/// <summary>An adapter file: a LoRA or a textual inversion.</summary>
/// <param name="Name">The name in requests or prompts.</param>
/// <param name="Family">Family of the models that it fits.</param>
public sealed record AdapterEntry(string Name, string Family);

/// <summary>The price of a kind of job, in credits; where a number is absent, the next more general one applies.</summary>
public sealed record KindPrice
{
    /// <summary>The price per million pixels and step that a diffusion network computes.</summary>
    public decimal? PerMegapixelStep { get; init; }

    /// <summary>The price per million pixels of outputs.</summary>
    public decimal? PerOutputMegapixel { get; init; }

    /// <summary>The least price of an output.</summary>
    public decimal? Minimum { get; init; }
}

/// <summary>A scheduler that requests can name.</summary>
/// <param name="Name">The name in a request's scheduler field: ddim, euler_a, dpmpp_2m_karras, ...</param>
/// <param name="Description">What it is, for people.</param>
public sealed record SchedulerEntry(string Name, string Description);
