namespace Generation.Api.Faces.Shared;

/// <summary>
/// A field of a model's input, as a service that has a list of fields for each of its models tells it: a face's table has these.
/// </summary>
internal sealed record InputField
{
    /// <summary>
    /// What the field means, a name of <see cref="InputMeaning"/>; empty for a field that changes nothing here and is taken without a word.
    /// </summary>
    public string To { get; init; } = "";

    /// <summary>string, integer, number, boolean, picture, size or list.</summary>
    public string Type { get; init; } = "string";

    /// <summary>What the field is on the service where a request leaves it out; empty: nothing.</summary>
    public string Default { get; init; } = "";

    /// <summary>The least that a number may be.</summary>
    public double? Least { get; init; }

    /// <summary>The most that a number may be.</summary>
    public double? Most { get; init; }

    /// <summary>The words that it may be; none: any.</summary>
    public string[] Choices { get; init; } = [];

    public bool Required { get; init; }

    /// <summary>For a field that means nothing here: the value with which nothing is missed. With another the client is told.</summary>
    public string Only { get; init; } = "";
}

/// <summary>What fields of inputs mean: the words of <see cref="InputField.To"/>.</summary>
internal static class InputMeaning
{
    public const string Prompt = "prompt";
    public const string NegativePrompt = "negative_prompt";
    public const string Image = "image";
    public const string Mask = "mask";
    public const string Strength = "strength";
    public const string Width = "width";
    public const string Height = "height";

    /// <summary>A word for a size, or an object with width and height.</summary>
    public const string Size = "size";

    /// <summary>By how many megapixels, or rows of pixels ("720p"), the size that the word names is changed.</summary>
    public const string Megapixels = "megapixels";
    public const string Resolution = "resolution";
    public const string Count = "num_images";
    public const string Steps = "num_inference_steps";
    public const string Guidance = "guidance_scale";
    public const string Scheduler = "scheduler";
    public const string Seed = "seed";
    public const string Format = "output_format";
    public const string Quality = "output_quality";
    public const string Scale = "scale";
    public const string Frames = "num_frames";

    /// <summary>A word with the number of frames at its beginning.</summary>
    public const string FramesWord = "frames_word";
    public const string Fps = "fps";
    public const string Motion = "motion_bucket_id";
    public const string Noise = "noise_aug_strength";

    /// <summary>Who refines: expert_ensemble_refiner is done.</summary>
    public const string Refine = "refine";
    public const string RefineAt = "refine_at";
    public const string Lora = "lora";
    public const string LoraScale = "lora_scale";
    public const string SecondLora = "second_lora";
    public const string SecondLoraScale = "second_lora_scale";

    /// <summary>A list of objects with path and scale.</summary>
    public const string Loras = "loras";

    /// <summary>The catalogue's model.</summary>
    public const string Model = "model";

    /// <summary>Whether the answer is to have the outputs themselves.</summary>
    public const string Sync = "sync";

    /// <summary>Switches the safety checker off where it is true, or where it is false.</summary>
    public const string Unsafe = "unsafe";
    public const string Safe = "safe";

    /// <summary>What a model decides for itself where it is only the nearest that there is.</summary>
    public static readonly string[] OfTheModel = [Width, Height, Size, Steps, Guidance, Scheduler, Frames, FramesWord, Fps, Scale];
}

/// <summary>A model of another service: what it does, with which fields, and by which of the catalogue's models it is done.</summary>
internal sealed record MappedModel
{
    /// <summary>The catalogue's name of the model that does it; empty: whichever does its kind.</summary>
    public string Native { get; init; } = "";

    /// <summary>picture (text2img, img2img, inpaint, as the fields say), inpaint, upscale or video.</summary>
    public string Task { get; init; } = MappedTask.Picture;

    /// <summary>The name of its fields in the face's table.</summary>
    public string Inputs { get; init; } = "";

    /// <summary>The name of its words for sizes in the face's table; empty: it has none.</summary>
    public string Sizes { get; init; } = "";

    /// <summary>Whether its output is one file and not a list.</summary>
    public bool Single { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Ids of its versions, of which the first eight characters tell them apart.</summary>
    public string[] Versions { get; init; } = [];
}

/// <summary>What models of other services do.</summary>
internal static class MappedTask
{
    public const string Picture = "picture";
    public const string Inpaint = "inpaint";
    public const string Upscale = "upscale";
    public const string Video = "video";
}
