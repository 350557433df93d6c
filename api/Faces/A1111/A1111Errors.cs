using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;

namespace Generation.Api.Faces.A1111;

/// <summary>
/// Errors as the web UI says them: {"error", "detail", "body", "errors"}; fields at fault as FastAPI's list of {"loc", "msg", "type"}.
/// </summary>
internal static class A1111Errors
{
    private const string SamplerField = "sampler_name";

    private static readonly Dictionary<string, string> OfPictures = new()
    {
        ["num_inference_steps"] = "steps",
        ["guidance_scale"] = "cfg_scale",
        ["scheduler"] = SamplerField,
        ["num_images"] = "batch_size",
        ["model"] = "sd_model_checkpoint",
        ["image"] = "init_images",
        ["strength"] = "denoising_strength",
        ["padding"] = "inpaint_full_res_padding",
        ["vae"] = "sd_vae",
        ["clip_skip"] = "CLIP_stop_at_last_layers",
        ["image_guidance_scale"] = "image_cfg_scale",
        ["output_format"] = "samples_format",
        ["output_quality"] = "jpeg_quality",
        ["refiner.model"] = "refiner_checkpoint",
        ["refiner.switch_at"] = "refiner_switch_at",
        ["hires_fix"] = "enable_hr",
        ["hires_fix.scale"] = "hr_scale",
        ["hires_fix.strength"] = "denoising_strength",
        ["hires_fix.steps"] = "hr_second_pass_steps",
        ["hires_fix.upscaler"] = "hr_upscaler",
        ["control"] = "alwayson_scripts.ControlNet.args",
    };

    private static readonly Dictionary<string, string> OfExtras = new() { ["model"] = "upscaler_1", ["scale"] = "upscaling_resize" };

    private static readonly Dictionary<string, string> OfControls = new()
    {
        ["image"] = "image",
        ["type"] = "model",
        ["preprocessor"] = "module",
        ["resize_mode"] = "resize_mode",
        ["scale"] = "weight",
        ["start"] = "guidance_start",
        ["end"] = "guidance_end",
    };

    public static Task WriteAsync(HttpContext http, Problem problem)
    {
        // Of calls that draw nothing, the picture is called as it is
        string path = http.Request.Path.Value ?? "";
        bool isExtras =
            path.Contains("/extra-", StringComparison.OrdinalIgnoreCase) || path.EndsWith("/png-info", StringComparison.OrdinalIgnoreCase);
        (string Field, string Detail)[] fields =
        [
            .. FaceProblem.Fields(problem, isExtras ? OfExtras : OfPictures).Select(f => (ControlField(f.Field), f.Detail)),
        ];
        (int status, JsonObject body) = problem switch
        {
            { Status: 401 } => Unauthorized(http, problem),
            { Status: 404, Code: "not_found" } => (404, new JsonObject { ["detail"] = "Not Found" }),
            { Status: 405 } => (405, new JsonObject { ["detail"] = "Method Not Allowed" }),
            { Code: "malformed_json" or "malformed_body" } => (422, List(http, [("", problem.Detail)], "json_invalid")),
            // As versions before the schedules were a field of their own, and as SD.Next: clients look for these words
            _ when fields is [{ Field: SamplerField }] => (404, Error(404, "Sampler not found", $"Sampler {fields[0].Detail}")),
            _ when fields.Length > 0 => (422, List(http, fields, null, problem.MoreErrors)),
            _ => (problem.Status, Error(problem.Status, problem.Detail, problem.Detail)),
        };
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(body, http.RequestAborted);
    }

    private static (int Status, JsonObject Body) Unauthorized(HttpContext http, Problem problem)
    {
        const string Detail = "Incorrect username or password";
        http.Response.Headers.WWWAuthenticate = "Basic";
        return (401, Error(401, Detail, $"{Detail}. The password is a key of this system, with any user name. {problem.Detail}"));
    }

    private static JsonObject Error(int status, string detail, string errors) =>
        new()
        {
            ["error"] = "HTTPException",
            ["detail"] = detail,
            ["body"] = "",
            ["errors"] = string.Create(CultureInfo.InvariantCulture, $"{status}: {errors}"),
        };

    private static JsonObject List(HttpContext http, IEnumerable<(string Field, string Detail)> fields, string? type, int? more = null)
    {
        IReadOnlySet<string> mistyped = http.Features.Get<FaceBody>()?.WrongTypes ?? new HashSet<string>();
        var list = new JsonArray();
        foreach ((string field, string detail) in fields)
        {
            list.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["type"] = type
                            ?? (
                                detail == "is required" ? "missing"
                                : mistyped.Contains(field) ? "type_error"
                                : "value_error"
                            ),
                        ["loc"] = Location(field),
                        ["msg"] = field.Length == 0 ? detail : $"{field} {detail}",
                    }
            );
        }

        if (more is { } count)
        {
            list.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["type"] = "value_error",
                        ["loc"] = Location(""),
                        ["msg"] = Problem.AndMore(count),
                    }
            );
        }

        return new JsonObject { ["detail"] = list };
    }

    /// <summary>A field's name as FastAPI has it: "a.b[0].c" is "body", "a", "b", 0, "c".</summary>
    private static JsonArray Location(string field)
    {
        var location = new JsonArray("body");
        foreach (string part in field.Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries))
        {
            location.Add(
                int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                    ? JsonValue.Create(index)
                    : JsonValue.Create(part)
            );
        }

        return location;
    }

    /// <summary>The client's name of "control[0].scale".</summary>
    private static string ControlField(string field)
    {
        const string Begin = "control[";
        int end = field.IndexOf("].", StringComparison.Ordinal);
        return field.StartsWith(Begin, StringComparison.Ordinal) && end > 0 && OfControls.TryGetValue(field[(end + 2)..], out string? name)
            ? $"alwayson_scripts.ControlNet.args[{field[Begin.Length..end]}].{name}"
            : field;
    }
}
