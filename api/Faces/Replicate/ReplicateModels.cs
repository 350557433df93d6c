using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Replicate;

/// <summary>A model of this face.</summary>
/// <param name="Name">Owner and name.</param>
/// <param name="Mapped">What it is.</param>
internal sealed record ReplicateModel(string Name, MappedModel Mapped)
{
    public string Owner => Name[..Name.IndexOf('/', StringComparison.Ordinal)];

    public string ShortName => Name[(Name.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>
    /// The id of the version that it has here, 64 hexadecimal digits: it begins as the first of those that the service has, if one is
    /// known.
    /// </summary>
    public string Version { get; } = VersionOf(Name, Mapped);

    private static string VersionOf(string name, MappedModel mapped)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        return mapped.Versions is [var first, ..] ? first + hash[first.Length..] : hash;
    }
}

/// <summary>The models of this face: those of its table that something here does, and the catalogue's own.</summary>
internal sealed class ReplicateModels(ReplicateTable table, ModelDirectory directory)
{
    /// <summary>So many characters of a version's id tell models apart: apps have garbled tails.</summary>
    private const int VersionStart = 8;

    /// <summary>The fields of a model's input.</summary>
    public IReadOnlyDictionary<string, InputField> InputsOf(ReplicateModel model) =>
        table.Inputs.GetValueOrDefault(model.Mapped.Inputs)
        ?? throw new InvalidOperationException(
            $"Faces:Replicate:Inputs has no '{model.Mapped.Inputs}', which the model {model.Name} names."
        );

    /// <summary>Whether any model has an input of this name.</summary>
    public bool IsInput(string name) => table.Inputs.Values.Any(inputs => inputs.ContainsKey(name));

    /// <summary>All models, by name.</summary>
    public async Task<IReadOnlyList<ReplicateModel>> ListAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, ModelEntry> catalogue = await directory.ModelsAsync(cancellationToken);
        return
        [
            .. table
                .Models.Where(m => IsDone(m.Value, catalogue))
                .Select(m => new ReplicateModel(m.Key, m.Value))
                .Concat(catalogue.Values.Select(Own))
                .OrderBy(m => m.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>The model of an owner and a name.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public async Task<ReplicateModel> FindAsync(string owner, string name, CancellationToken cancellationToken) =>
        await FindAsync($"{owner}/{name}", cancellationToken)
        ?? throw new ProblemException(404, "model_not_found", $"There is no model '{ErrorText.Shown(owner)}/{ErrorText.Shown(name)}'.");

    /// <summary>The model behind a deployment: as the table says, else the model of the same name.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public async Task<ReplicateModel> DeployedAsync(string owner, string name, CancellationToken cancellationToken) =>
        await FindAsync(table.Deployments.GetValueOrDefault($"{owner}/{name}", $"{owner}/{name}"), cancellationToken)
        ?? throw new ProblemException(
            404,
            "deployment_not_found",
            $"There is no deployment '{ErrorText.Shown(owner)}/{ErrorText.Shown(name)}'."
        );

    /// <summary>The model that a version means: an id, owner/name, or owner/name:id. Null where there is none.</summary>
    public async Task<ReplicateModel?> OfVersionAsync(string version, CancellationToken cancellationToken)
    {
        int colon = version.IndexOf(':', StringComparison.Ordinal);
        if (version.Contains('/'))
        {
            return await FindAsync(colon < 0 ? version : version[..colon], cancellationToken);
        }

        return version.Length >= VersionStart
            ? (await ListAsync(cancellationToken)).FirstOrDefault(model => IsOf(model, version[..VersionStart]))
            : null;
    }

    /// <summary>Whether an id is that of one of a model's versions, as far as it is looked at.</summary>
    public static bool IsOf(ReplicateModel model, string version) =>
        version.Length >= VersionStart
        && model
            .Mapped.Versions.Append(model.Version)
            .Any(known => known.StartsWith(version[..VersionStart], StringComparison.OrdinalIgnoreCase));

    /// <summary>A model as its document.</summary>
    public JsonObject Document(ReplicateModel model, string site) =>
        new()
        {
            ["url"] = site + "/",
            ["owner"] = model.Owner,
            ["name"] = model.ShortName,
            ["description"] = model.Mapped.Description,
            ["visibility"] = "public",
            ["github_url"] = null,
            ["paper_url"] = null,
            ["license_url"] = null,
            ["run_count"] = 0,
            ["cover_image_url"] = null,
            ["default_example"] = null,
            ["is_official"] = true,
            ["latest_version"] = VersionDocument(model),
        };

    /// <summary>The version that a model has here, with the description of its input.</summary>
    public JsonObject VersionDocument(ReplicateModel model)
    {
        IReadOnlyDictionary<string, InputField> inputs = InputsOf(model);
        JsonObject output = model.Mapped.Single
            ? Uri("Output")
            : new JsonObject
            {
                ["title"] = "Output",
                ["type"] = "array",
                ["items"] = Uri(null),
            };
        var input = new JsonObject
        {
            ["title"] = "Input",
            ["type"] = "object",
            ["required"] = new JsonArray([.. inputs.Where(f => f.Value.Required).Select(f => (JsonNode)JsonValue.Create(f.Key))]),
            ["properties"] = new JsonObject(inputs.Select(f => KeyValuePair.Create(f.Key, (JsonNode?)Property(f.Key, f.Value)))),
        };
        return new JsonObject
        {
            ["id"] = model.Version,
            ["created_at"] = ReplicateAnswers.Time(table.VersionDate),
            ["cog_version"] = "0.9.0",
            ["openapi_schema"] = new JsonObject
            {
                ["openapi"] = "3.0.2",
                ["info"] = new JsonObject { ["title"] = "Cog", ["version"] = "0.1.0" },
                ["paths"] = new JsonObject(),
                ["components"] = new JsonObject
                {
                    ["schemas"] = new JsonObject { ["Input"] = input, ["Output"] = output },
                },
            },
        };
    }

    private async Task<ReplicateModel?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (table.Models.TryGetValue(name, out MappedModel? mapped))
        {
            return new ReplicateModel(name, mapped);
        }

        string own = table.Owner + "/";
        return
            name.StartsWith(own, StringComparison.Ordinal)
            && (await directory.ModelsAsync(cancellationToken)).TryGetValue(name[own.Length..], out ModelEntry? entry)
            ? Own(entry)
            : null;
    }

    private ReplicateModel Own(ModelEntry entry)
    {
        string task =
            entry.Kinds.Any(k => k is JobKind.Text2Img or JobKind.Img2Img or JobKind.Inpaint) ? MappedTask.Picture
            : entry.Kinds.Contains(JobKind.SuperResolution) ? MappedTask.Upscale
            : MappedTask.Video;
        return new ReplicateModel(
            $"{table.Owner}/{entry.Name}",
            new MappedModel
            {
                Native = entry.Name,
                Task = task,
                Inputs = $"own-{task}",
                Single = task != MappedTask.Picture,
                Description = entry.Description,
            }
        );
    }

    private static bool IsDone(MappedModel model, IReadOnlyDictionary<string, ModelEntry> catalogue)
    {
        JobKind kind = model.Task switch
        {
            MappedTask.Upscale => JobKind.SuperResolution,
            MappedTask.Video => JobKind.Video,
            MappedTask.Inpaint => JobKind.Inpaint,
            _ => JobKind.Text2Img,
        };
        return catalogue.Values.Any(entry => (model.Native.Length == 0 || entry.Name == model.Native) && entry.Kinds.Contains(kind));
    }

    private static JsonObject Uri(string? title)
    {
        var uri = new JsonObject { ["type"] = "string", ["format"] = "uri" };
        if (title is not null)
        {
            uri["title"] = title;
        }

        return uri;
    }

    private static JsonObject Property(string name, InputField field)
    {
        var property = new JsonObject
        {
            ["title"] = CultureInfo.InvariantCulture.TextInfo.ToTitleCase(name.Replace('_', ' ')),
            ["type"] = field.Type is "integer" or "number" or "boolean" ? field.Type : "string",
        };
        if (field.Type == "picture")
        {
            property["format"] = "uri";
        }

        if (field.Choices.Length > 0)
        {
            property["enum"] = new JsonArray([.. field.Choices.Select(c => (JsonNode)JsonValue.Create(c))]);
        }

        if (field.Least is { } least)
        {
            property["minimum"] = least;
        }

        if (field.Most is { } most)
        {
            property["maximum"] = most;
        }

        if (field.Default.Length > 0)
        {
            property["default"] = field.Type is "integer" or "number" or "boolean" ? JsonNode.Parse(field.Default) : field.Default;
        }

        return property;
    }
}
