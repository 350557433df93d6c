namespace Generation.Contracts;

/// <summary>A super-resolution network that follows a model.</summary>
/// <param name="Name">Name for people and answers.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
/// <param name="Scale">How many times wider and higher it makes a picture.</param>
public sealed record UpscalerEntry(string Name, string Path, int Scale);

/// <summary>A control network that steers a model.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Type">What its pictures are, as requests name it: canny, depth, pose, ...</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
public sealed record ControlNetEntry(string Name, string Type, string Path);

/// <summary>A part of a model that requests may swap in by name.</summary>
/// <param name="Name">As requests name it.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
public sealed record PartEntry(string Name, string Path);

/// <summary>An adapter file: a LoRA or a textual inversion.</summary>
/// <param name="Name">As requests or prompts name it.</param>
/// <param name="Family">Family of the models that it fits.</param>
public sealed record AdapterEntry(string Name, string Family);

/// <summary>What a kind of job costs, in credits; an absent figure is the next more general one.</summary>
public sealed record KindPrice
{
    /// <summary>For each million pixels and step that a diffusion network works on.</summary>
    public decimal? PerMegapixelStep { get; init; }

    /// <summary>For each million pixels handed out.</summary>
    public decimal? PerOutputMegapixel { get; init; }

    /// <summary>Least price of an output.</summary>
    public decimal? Minimum { get; init; }
}

/// <summary>A way from noise to picture that requests may name.</summary>
/// <param name="Name">As in a request's scheduler: ddim, euler_a, dpmpp_2m_karras, ...</param>
/// <param name="Description">What it is, for people.</param>
public sealed record SchedulerEntry(string Name, string Description);
