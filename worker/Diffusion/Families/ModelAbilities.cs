namespace Generation.Diffusion.Families;

/// <summary>What a loaded model can do.</summary>
[Flags]
public enum ModelAbilities
{
    None = 0,

    /// <summary>Pictures from a prompt.</summary>
    Text2Img = 1,

    /// <summary>Pictures from a picture and a prompt.</summary>
    Img2Img = 2,

    /// <summary>Painting inside a mask.</summary>
    Inpaint = 4,

    /// <summary>Painting beyond a picture's borders: inpainting on a larger canvas, which not every network does well.</summary>
    Outpaint = 8,

    /// <summary>Changing a picture as an instruction in words says.</summary>
    Edit = 16,

    /// <summary>Pictures from a prompt, guided by control pictures through control networks of the model's family.</summary>
    Control = 32,

    /// <summary>Enlarging a picture by diffusion.</summary>
    Upscale = 64,

    /// <summary>Clips from a prompt.</summary>
    Text2Video = 128,

    /// <summary>Clips from a picture, with which they begin.</summary>
    Img2Video = 256,
}
