using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>What is done with outputs that the model's safety checker flags.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SafetyPolicy>))]
public enum SafetyPolicy
{
    /// <summary>They are not looked at.</summary>
    [JsonStringEnumMemberName("off")]
    Off = 0,

    /// <summary>They are handed out, with nsfw true.</summary>
    [JsonStringEnumMemberName("flag")]
    Flag = 1,

    /// <summary>They are blurred past recognition.</summary>
    [JsonStringEnumMemberName("blur")]
    Blur = 2,

    /// <summary>They are black.</summary>
    [JsonStringEnumMemberName("black")]
    Black = 3,
}
