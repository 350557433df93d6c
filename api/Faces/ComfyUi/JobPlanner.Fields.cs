using System.Text.RegularExpressions;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>What all requests for pictures have.</summary>
internal sealed partial class JobPlanner
{
    private void Fill(PictureBody body, SampledLatent pass, VaeValue vae, RefinerBody? refiner)
    {
        ModelEntry model = pass.Model.Model;
        bool isDistilled = catalogue.IsDistilled(model);
        body.Model = model.Name;
        body.Prompt = Words(pass.Positive.Text, model);
        body.NegativePrompt = isDistilled || pass.Negative is not { Text.Length: > 0 } negative ? null : Words(negative.Text, model);
        body.NumInferenceSteps = pass.Steps;
        body.GuidanceScale = isDistilled ? pass.Positive.Guidance : pass.Cfg ?? 1;
        body.Scheduler = catalogue.Scheduler(pass.Sampler, pass.Scheduler);
        body.Seed = (long)(pass.Seed & SeedMask);
        body.Loras = Loras(pass);
        body.ClipSkip = pass.Positive.Clip.Skip is > 0 and { } skip ? skip : null;
        body.Vae = vae.Name is { } name ? ComfyCatalogue.Vae(model, name) : null;
        body.Refiner = refiner;
    }

    /// <summary>
    /// A prompt as ComfyUI reads it, in the native syntax: square brackets are no more than that, and embeddings have a word before their
    /// names.
    /// </summary>
    private static string Words(string text, ModelEntry model)
    {
        string words = Embedding().Replace(text, match => WeightFiles.Bare(match.Groups["name"].Value));
        return model.Network?.PlainPrompts == true
            ? words
            : Bracket().Replace(words, match => match.Value[0] == '\\' ? match.Value : "\\" + match.Value);
    }

    private static LoraBody[]? Loras(SampledLatent pass)
    {
        var loras = new List<LoraBody>();
        List<(string Name, double Scale)> ofText = [.. pass.Positive.Clip.Loras];
        foreach ((string name, double scale) in pass.Model.Loras)
        {
            int text = ofText.FindIndex(lora => lora.Name == name);
            double textScale = text < 0 ? 0 : ofText[text].Scale;
            if (text >= 0)
            {
                ofText.RemoveAt(text);
            }

            loras.Add(
                new LoraBody
                {
                    Model = name,
                    Scale = scale,
                    TextEncoderScale = textScale == scale ? null : textScale,
                }
            );
        }

        loras.AddRange(
            ofText.Select(lora => new LoraBody
            {
                Model = lora.Name,
                Scale = 0,
                TextEncoderScale = lora.Scale,
            })
        );
        return loras.Count > 0 ? [.. loras] : null;
    }

    private ControlBody[] Controls(SampledLatent pass) => [.. pass.Positive.Controls.Select(control => Control(control, pass.Model.Model))];

    private ControlBody Control(ControlUseValue control, ModelEntry model)
    {
        ImageValue image = control.Image;
        while (image is ScaledImage scaled)
        {
            image = scaled.Image;
        }

        if (image is not LoadedImage loaded)
        {
            throw NotDone(control.Node, "image", "must be a picture of LoadImage; what a graph makes can be sent again as one");
        }

        ControlNetEntry net = catalogue.Net(model, control.Net.Name)
            ?? throw NotDone(
                control.Net.Node,
                "control_net_name",
                $"{model.Name} has {string.Join(", ", model.ControlNets.Select(n => n.Name).DefaultIfEmpty("no control networks"))}"
            );
        return new ControlBody
        {
            Image = loaded.Picture.Source,
            Type = net.Type,
            Scale = control.Strength,
            Start = control.Start,
            End = control.End,
        };
    }

    /// <summary>A job with the nodes that its fields come from.</summary>
    private static PlannedJob Job(PictureBody body, SampledLatent pass, MadePicture? from)
    {
        string latent = pass.Latent.Node;
        var fields = new Dictionary<string, (string, string?)>(StringComparer.Ordinal)
        {
            ["model"] = (pass.Model.Node, null),
            ["prompt"] = (pass.Positive.Node, "text"),
            ["negative_prompt"] = (pass.Negative?.Node ?? pass.Node, "text"),
            ["width"] = (latent, "width"),
            ["height"] = (latent, "height"),
            ["num_images"] = (latent, "batch_size"),
            ["num_inference_steps"] = (pass.Node, "steps"),
            ["guidance_scale"] = pass.Positive.GuidanceNode is { } guidance ? (guidance, "guidance") : (pass.Node, "cfg"),
            ["scheduler"] = (pass.Node, "sampler_name"),
            ["seed"] = (pass.Node, "seed"),
            ["strength"] = (pass.Node, "denoise"),
            ["image"] = (latent, "pixels"),
            ["mask"] = (latent, "mask"),
            ["loras"] = (pass.Model.Node, "lora_name"),
            ["clip_skip"] = (pass.Positive.Clip.Node, "stop_at_clip_layer"),
            ["control"] = pass.Positive.Controls is [var first, ..] ? (first.Node, "image") : (pass.Node, "positive"),
            ["hires_fix"] = (pass.Node, "denoise"),
            ["refiner"] = (pass.Node, "model"),
        };
        return new PlannedJob
        {
            Body = body,
            From = from,
            Worker = pass.Node,
            Fields = fields,
        };
    }

    [GeneratedRegex(@"\bembedding:(?<name>[\w./\\-]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Embedding();

    [GeneratedRegex(@"\\.|[\[\]]", RegexOptions.Singleline, 1000)]
    private static partial Regex Bracket();
}
