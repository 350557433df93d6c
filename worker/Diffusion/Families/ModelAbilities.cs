namespace Generation.Diffusion.Families;

/// <summary>What a model in memory can be asked for.</summary>
[Flags]
public enum ModelAbilities
{
    None = 0,

    /// <summary>Words to pictures.</summary>
    Text2Img = 1,

    /// <summary>A picture and words to pictures.</summary>
    Img2Img = 2,

    /// <summary>Painting inside a mask.</summary>
    Inpaint = 4,

    /// <summary>Painting beyond a picture's borders: inpainting on a larger canvas, which not every network does well.</summary>
    Outpaint = 8,

    /// <summary>Changing a picture as an instruction says.</summary>
    Edit = 16,

    /// <summary>Words to pictures, steered by control pictures through control networks of its family.</summary>
    Control = 32,

    /// <summary>Making a picture larger, step by step.</summary>
    Upscale = 64,

    /// <summary>Words to clips.</summary>
    Text2Video = 128,

    /// <summary>A picture to clips that begin with it.</summary>
    Img2Video = 256,
}
