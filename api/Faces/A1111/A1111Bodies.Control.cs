using System.Globalization;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.A1111;

/// <summary>The units of the ControlNet extension as native control pictures.</summary>
internal sealed partial class A1111Bodies
{
    /// <summary>The thresholds that edges are looked for with, and those that clients send unasked.</summary>
    private static readonly double[] UsualThresholds = [-1, 64, 100, 200];

    private bool? _guessMode;

    /// <summary>The units that are switched on.</summary>
    private ControlBody[] Controls()
    {
        FaceValue? args = CheckScripts();
        if (args is null || args.IsNull)
        {
            return [];
        }

        var controls = new List<ControlBody>();
        int index = -1;
        foreach (FaceValue unit in args.Items())
        {
            index++;
            string name = string.Create(CultureInfo.InvariantCulture, $"alwayson_scripts.ControlNet.args[{index}]");
            if (unit.IsObject)
            {
                FaceBody fields = body.Nested(name, unit);
                if (fields.Flag("enabled") ?? true)
                {
                    controls.Add(Control(name, fields));
                }
            }
            else if (!unit.IsNull && unit.Text is not ("false" or "False"))
            {
                body.Mistyped(name, "an object, a unit of ControlNet", unit);
            }
        }

        if (controls.Count > ControlNetKind.MaxControls)
        {
            body.Errors.Add(
                "alwayson_scripts.ControlNet.args",
                $"may have {ControlNetKind.MaxControls} units that are switched on, and has {controls.Count}"
            );
        }

        return [.. controls.Take(ControlNetKind.MaxControls)];
    }

    private ControlBody Control(string name, FaceBody unit)
    {
        ModelEntry? model = Model(JobKind.ControlNet);
        string? module = unit.Text("module");
        string? preprocessor = module is null ? "none" : Find(table.Control.Modules, module);
        if (preprocessor is null)
        {
            unit.Fail("module", $"is '{ErrorText.Shown(module!)}', and must be one of {string.Join(", ", table.Control.Modules.Keys)}");
        }

        FaceValue? image = unit.Value("image", "input_image");
        PictureSource? picture = ((image?.IsObject == true ? image.Member("image") : image))?.AsPicture();
        if (picture is null)
        {
            unit.Fail("image", "is required");
        }

        WarnOfUnit(name, unit, preprocessor);
        return new ControlBody
        {
            Image = picture,
            Type = ControlType(unit, module, model),
            Preprocessor = preprocessor,
            ResizeMode = Choice(unit, "resize_mode", table.Control.ResizeModes) ?? "crop",
            Scale = unit.Number("weight"),
            Start = unit.Number("guidance_start"),
            End = unit.Number("guidance_end"),
        };
    }

    /// <summary>What a unit's picture shows: by its model's name, whole or in part, else by its preprocessor; null: the only one.</summary>
    private string? ControlType(FaceBody unit, string? module, ModelEntry? checkpoint)
    {
        IReadOnlyList<ControlNetEntry> nets = checkpoint?.ControlNets ?? [];
        string? asked = unit.Text("model") is { } given && !given.Equals("None", StringComparison.OrdinalIgnoreCase) ? given : null;
        if (asked is not null)
        {
            string bare = WeightFiles.Bare(asked);
            if (nets.FirstOrDefault(net => net.Name.Equals(bare, StringComparison.OrdinalIgnoreCase)) is { } named)
            {
                return named.Type;
            }
        }

        string words = (asked ?? module ?? "").ToLowerInvariant();
        string[] types = [.. table.Control.Types.Where(t => words.Contains(t.Key, StringComparison.Ordinal)).Select(t => t.Value)];
        string? type = nets.FirstOrDefault(net =>
            types.Contains(net.Type) || words.Contains(net.Type, StringComparison.OrdinalIgnoreCase)
        )?.Type;
        if (type is null && asked is not null)
        {
            unit.Fail(
                "model",
                $"is '{ErrorText.Shown(asked)}', and must be one of "
                    + string.Join(", ", nets.Select(net => net.Name).DefaultIfEmpty("none"))
            );
        }

        return type;
    }

    private void WarnOfUnit(string name, FaceBody unit, string? preprocessor)
    {
        if (Choice(unit, "control_mode", table.Control.Modes) is { } mode && mode != "balanced")
        {
            _guessMode = mode == "control";
            if (mode == "prompt")
            {
                Warn($"{name}.control_mode: 'My prompt is more important' is not done; both count alike.");
            }
        }

        if (unit.Value("mask", "mask_image") is not null)
        {
            Warn($"{name}.mask: is not done; the whole control picture acts.");
        }

        if (unit.Text("hr_option") is { } option && !option.Equals("Both", StringComparison.OrdinalIgnoreCase) && option != "0")
        {
            Warn($"{name}.hr_option: control pictures act in both passes.");
        }

        if (
            preprocessor == "canny"
            && (
                (unit.Number("threshold_a") is { } a && !UsualThresholds.Contains(a))
                || (unit.Number("threshold_b") is { } b && !UsualThresholds.Contains(b))
            )
        )
        {
            Warn($"{name}.threshold_a: edges are looked for with the thresholds 100 and 200.");
        }
    }

    private static string? Choice(FaceBody unit, string field, Dictionary<string, string> known)
    {
        if (unit.Text(field) is not { } value)
        {
            return null;
        }

        string? found = Find(known, value);
        if (found is null)
        {
            unit.Fail(field, $"is '{ErrorText.Shown(value)}', and must be one of {string.Join(", ", known.Keys)}");
        }

        return found;
    }

    private static string? Find(Dictionary<string, string> known, string name) =>
        known.FirstOrDefault(k => k.Key.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase)).Value;
}
