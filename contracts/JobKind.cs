using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>The kinds of jobs. Their numbers are stored and never change.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobKind>))]
public enum JobKind
{
    /// <summary>Draws pictures from words.</summary>
    [JsonStringEnumMemberName("text2img")]
    Text2Img = 0,

    /// <summary>Draws over a picture, as words say.</summary>
    [JsonStringEnumMemberName("img2img")]
    Img2Img = 1,

    /// <summary>Paints inside a mask.</summary>
    [JsonStringEnumMemberName("inpaint")]
    Inpaint = 2,

    /// <summary>Paints beyond the borders of a picture.</summary>
    [JsonStringEnumMemberName("outpaint")]
    Outpaint = 3,

    /// <summary>Enlarges a picture.</summary>
    [JsonStringEnumMemberName("super-resolution")]
    SuperResolution = 4,

    /// <summary>Changes a picture as an instruction says.</summary>
    [JsonStringEnumMemberName("edit")]
    Edit = 5,

    /// <summary>Draws pictures from words, steered by control pictures.</summary>
    [JsonStringEnumMemberName("controlnet")]
    ControlNet = 6,

    /// <summary>Makes a clip from words or from a picture.</summary>
    [JsonStringEnumMemberName("video")]
    Video = 7,
}

/// <summary>Kinds by their names on the wire.</summary>
public static class JobKinds
{
    private static readonly string[] Names =
    [
        .. Enum.GetValues<JobKind>().Select(kind => System.Text.Json.JsonSerializer.Serialize(kind).Trim('"')),
    ];

    /// <summary>The kind's name on the wire, which is also the last part of its route: text2img, super-resolution, ...</summary>
    public static string WireName(this JobKind kind) => Names[(int)kind];
}
