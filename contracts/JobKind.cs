using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>The kinds of work. The numbers are stored: they never change.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobKind>))]
public enum JobKind
{
    /// <summary>Words to picture.</summary>
    [JsonStringEnumMemberName("text2img")]
    Text2Img = 0,

    /// <summary>Picture and words to picture.</summary>
    [JsonStringEnumMemberName("img2img")]
    Img2Img = 1,

    /// <summary>Paints inside a mask.</summary>
    [JsonStringEnumMemberName("inpaint")]
    Inpaint = 2,

    /// <summary>Paints beyond the borders.</summary>
    [JsonStringEnumMemberName("outpaint")]
    Outpaint = 3,

    /// <summary>Small picture to large picture.</summary>
    [JsonStringEnumMemberName("super-resolution")]
    SuperResolution = 4,

    /// <summary>Changes a picture as an instruction says.</summary>
    [JsonStringEnumMemberName("edit")]
    Edit = 5,

    /// <summary>Words to picture, steered by control pictures.</summary>
    [JsonStringEnumMemberName("controlnet")]
    ControlNet = 6,

    /// <summary>Words or a picture to a clip.</summary>
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

    /// <summary>text2img, super-resolution, ...: also the last part of the kind's address.</summary>
    public static string WireName(this JobKind kind) => Names[(int)kind];
}
