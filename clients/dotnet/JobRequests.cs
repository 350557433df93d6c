using System.Text.Json.Serialization;

namespace Generation.Client;

/// <summary>What a job is to do. Each kind of job has a type of its own.</summary>
public interface IJobRequest
{
    /// <summary>The kind's name on the wire, which is the last part of its path: text2img, super-resolution, ...</summary>
    [JsonIgnore]
    public string Kind { get; }
}

/// <content>Makes pictures from a prompt.</content>
public partial class Text2ImgRequest : IJobRequest
{
    string IJobRequest.Kind => "text2img";
}

/// <content>Makes pictures from a picture and a prompt.</content>
public partial class Img2ImgRequest : IJobRequest
{
    string IJobRequest.Kind => "img2img";
}

/// <content>Paints inside a mask.</content>
public partial class InpaintRequest : IJobRequest
{
    string IJobRequest.Kind => "inpaint";
}

/// <content>Paints beyond the borders of a picture.</content>
public partial class OutpaintRequest : IJobRequest
{
    string IJobRequest.Kind => "outpaint";
}

/// <content>Enlarges a picture.</content>
public partial class SuperResolutionRequest : IJobRequest
{
    string IJobRequest.Kind => "super-resolution";
}

/// <content>Changes a picture as an instruction in words says.</content>
public partial class EditRequest : IJobRequest
{
    string IJobRequest.Kind => "edit";
}

/// <content>Makes pictures from a prompt, guided by control pictures.</content>
public partial class ControlNetRequest : IJobRequest
{
    string IJobRequest.Kind => "controlnet";
}

/// <content>Makes a clip from a prompt or from a picture.</content>
public partial class VideoRequest : IJobRequest
{
    string IJobRequest.Kind => "video";
}

/// <content>How a job stands.</content>
public partial class Job
{
    /// <summary>Whether the job has ended, well or not.</summary>
    [JsonIgnore]
    public bool HasEnded => State is not (JobState.Queued or JobState.Running);
}
