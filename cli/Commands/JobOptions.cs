using System.CommandLine;
using System.Text.Json.Nodes;

namespace Generation.Cli.Commands;

/// <summary>The options that describe a job, shared by the commands that make one.</summary>
internal sealed class JobOptions
{
    private readonly Option<string?> _model = new("--model") { Description = "A model's name, as /v1/models lists them." };

    private readonly Option<string?> _negative = new("--negative") { Description = "What the picture must not show." };

    private readonly Option<int?> _width = new("--width") { Description = "In pixels." };

    private readonly Option<int?> _height = new("--height") { Description = "In pixels." };

    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps." };

    private readonly Option<double?> _guidance = new("--guidance") { Description = "Classifier-free guidance scale." };

    private readonly Option<string?> _scheduler = new("--scheduler") { Description = "As /v1/schedulers lists them." };

    private readonly Option<long?> _seed = new("--seed") { Description = "Equal seeds give equal pictures. Without it, a seed is drawn." };

    private readonly Option<int?> _count = new("--count") { Description = "How many pictures; each has the next seed." };

    private readonly Option<double?> _strength = new("--strength")
    {
        Description = "img2img, inpaint: how much of the picture may change, above 0 up to 1.",
    };

    private readonly Option<int?> _scale = new("--scale") { Description = "super-resolution: how many times larger, 2 to 4." };

    private readonly Option<int?> _frames = new("--frames") { Description = "video: how many frames." };

    private readonly Option<double?> _fps = new("--fps") { Description = "video: frames a second." };

    private readonly Option<string?> _format = new("--format")
    {
        Description = "png, jpg or webp; for a clip mp4, webm, gif, webp or zip.",
    };

    /// <param name="kinds">The kinds that may be asked for, by their names on the wire; the first is the default.</param>
    public JobOptions(IReadOnlyList<string> kinds)
    {
        Kind = new Option<string>("--kind")
        {
            Description = $"What to make: {string.Join(", ", kinds)}.",
            DefaultValueFactory = _ => kinds[0],
        };
        Kind.AcceptOnlyFromAmong([.. kinds]);
    }

    public Argument<string?> Prompt { get; } =
        new("prompt")
        {
            Description = "What the picture is to show, such as \"a red apple on a blue background\".",
            Arity = ArgumentArity.ZeroOrOne,
        };

    public Option<string> Kind { get; }

    public Option<string?> Image { get; } = new("--image") { Description = "The picture to begin with: a PNG, JPEG or WebP file." };

    public Option<string?> Mask { get; } = new("--mask") { Description = "inpaint: a picture that is white where it is to be painted." };

    public Option<string?> Output { get; } =
        new("--out", "-o") { Description = "Where to save; a file that is there is never overwritten. Default: pictures/PROMPT-SEED.png" };

    public void AddTo(Command command)
    {
        command.Arguments.Add(Prompt);
        foreach (
            Option option in (Option[])
                [
                    Kind,
                    Image,
                    Mask,
                    _strength,
                    _scale,
                    _frames,
                    _fps,
                    _format,
                    _model,
                    _negative,
                    _width,
                    _height,
                    _steps,
                    _guidance,
                    _scheduler,
                    _seed,
                    _count,
                    Output,
                ]
        )
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The request that the options describe, without its pictures.</summary>
    /// <param name="result">What was typed.</param>
    /// <param name="prompt">The prompt where none was typed; null for none.</param>
    public JsonObject Read(ParseResult result, string? prompt = null)
    {
        var request = new JsonObject();
        Add("prompt", result.GetValue(Prompt) ?? prompt);
        Add("model", result.GetValue(_model));
        Add("negative_prompt", result.GetValue(_negative));
        Add("width", result.GetValue(_width));
        Add("height", result.GetValue(_height));
        Add("num_inference_steps", result.GetValue(_steps));
        Add("guidance_scale", result.GetValue(_guidance));
        Add("scheduler", result.GetValue(_scheduler));
        Add("seed", result.GetValue(_seed));
        Add("num_images", result.GetValue(_count));
        Add("strength", result.GetValue(_strength));
        Add("scale", result.GetValue(_scale));
        Add("num_frames", result.GetValue(_frames));
        Add("fps", result.GetValue(_fps));
        Add("output_format", result.GetValue(_format));
        return request;

        void Add<T>(string field, T? value)
        {
            if (value is not null)
            {
                request[field] = JsonValue.Create(value);
            }
        }
    }
}
