using System.Reflection;
using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>The kinds of jobs. Their numbers are stored and never change.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobKind>))]
public enum JobKind
{
    /// <summary>Makes pictures from a prompt.</summary>
    [JsonStringEnumMemberName("text2img")]
    Text2Img = 0,

    /// <summary>Makes pictures from a picture and a prompt.</summary>
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

    /// <summary>Changes a picture as an instruction in words says.</summary>
    [JsonStringEnumMemberName("edit")]
    Edit = 5,

    /// <summary>Makes pictures from a prompt, guided by control pictures.</summary>
    [JsonStringEnumMemberName("controlnet")]
    ControlNet = 6,

    /// <summary>Makes a clip from a prompt or from a picture.</summary>
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

    /// <summary>
    /// The kinds whose requests have a shape, such as <see cref="PictureRequest"/>, which all requests for pictures derive from.
    /// </summary>
    public static IReadOnlyList<JobKind> Of<TRequest>()
        where TRequest : JobRequest =>
        [
            .. typeof(JobRequest)
                .GetCustomAttributes<JsonDerivedTypeAttribute>()
                .Where(request => request.DerivedType.IsAssignableTo(typeof(TRequest)))
                .Select(request => (JobKind)Array.IndexOf(Names, (string)request.TypeDiscriminator!)),
        ];
}
