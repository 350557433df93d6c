namespace Generation.Api.Faces.ModelsLab;

/// <summary>Which of the service's interfaces a call speaks, by its path.</summary>
/// <param name="Version">v3, v4, v5, v6 or v1 (enterprise).</param>
/// <param name="Group">images, realtime, image_editing, video, dreambooth, ...; empty where the path has none.</param>
/// <param name="Operation">What is asked for: text2img, fetch, ...</param>
/// <param name="Id">The job's number or id, where the path ends with one.</param>
internal sealed record ModelsLabDialect(string Version, string Group, string Operation, string? Id)
{
    /// <summary>v3 to v5: errors come with status 200, some as "messege".</summary>
    public bool IsLegacy => Version is "v3" or "v4" or "v5";

    public bool IsEnterprise => Version == "v1";

    /// <summary>v3 knows only pictures of its own model, and tells less about them.</summary>
    public bool IsStandard => Version == "v3" && Group != "dreambooth";

    /// <summary>Whether the call may bring pictures in its body.</summary>
    public bool TakesPictures =>
        Operation
            is "img2img"
                or "depth2img"
                or "inpaint"
                or "outpaint"
                or "pix2pix"
                or "controlnet"
                or "super_resolution"
                or "img2video"
                or "base64_crop"
                or "base64_to_url"
                or "upload_image"
                or "nsfw_image_check";

    /// <summary>Path under which results are fetched, on the service's own address.</summary>
    public string FetchPath(long number) =>
        this switch
        {
            { IsEnterprise: true } => $"/api/v1/enterprise/{(Group.Length > 0 ? Group : "images")}/fetch/{number}",
            { Version: "v3", Group: "dreambooth" } => $"/api/v3/dreambooth/fetch/{number}",
            { Version: "v3" } => $"/api/v3/fetch/{number}",
            { Version: "v4" } => $"/api/v4/dreambooth/fetch/{number}",
            { Version: "v5" } => $"/api/v5/images/fetch/{number}",
            _ => $"/api/v6/{(Group is "realtime" or "image_editing" or "video" ? Group : "images")}/fetch/{number}",
        };

    /// <summary>
    /// The call that a path means; null if it is not one of this service's. Clients mix versions and groups, so every
    /// operation is known under all of them.
    /// </summary>
    public static ModelsLabDialect? Of(PathString path)
    {
        string[] parts = (path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is not ["api", ..])
        {
            return null;
        }

        ReadOnlySpan<string> rest;
        string version;
        switch (parts)
        {
            case ["api", "v3" or "v4" or "v5" or "v6", ..]:
                version = parts[1];
                rest = parts.AsSpan(2);
                break;
            case ["api", "v1", "enterprise", ..]:
                version = "v1";
                rest = parts.AsSpan(3);
                break;
            case ["api", "wallet_balance" or "clear_cache"]:
                version = "v6";
                rest = parts.AsSpan(1);
                break;
            default:
                return null;
        }

        string? id = null;
        if (rest is [.., "fetch", var last])
        {
            id = last;
            rest = rest[..^1];
        }

        return rest switch
        {
            [] => new ModelsLabDialect(version, "", "", null),
            ["dreambooth"] => new ModelsLabDialect(version, "dreambooth", "text2img", null),
            [var operation] => new ModelsLabDialect(version, "", operation, id),
            [var group, .., var operation] => new ModelsLabDialect(version, group, operation, id),
        };
    }
}
