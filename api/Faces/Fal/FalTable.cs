using Generation.Api.Faces.Shared;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Fal;

/// <summary>
/// Which models this face has, with which inputs, and what they become: table.json, with the configuration section "Faces:Fal" over it.
/// </summary>
internal sealed record FalTable
{
    /// <summary>Host names by which requests are this face's, whatever their path is; their first label says which of its parts.</summary>
    public string[] Hosts { get; init; } = [];

    /// <summary>A port of its own, at whose root this face is; null: none.</summary>
    public int? Port { get; init; }

    /// <summary>Under whose name the catalogue's own models are.</summary>
    public string Owner { get; init; } = "generation";

    /// <summary>With sync_mode, outputs that have more bytes than this in all are addresses all the same.</summary>
    public long MaxDataUriBytes { get; init; } = 16 << 20;

    /// <summary>Models by their path.</summary>
    public Dictionary<string, MappedModel> Models { get; init; } = [];

    /// <summary>Fields of models' inputs, by the name that <see cref="MappedModel.Inputs"/> has.</summary>
    public Dictionary<string, Dictionary<string, InputField>> Inputs { get; init; } = [];

    /// <summary>Sizes in pixels by word, by the name that <see cref="MappedModel.Sizes"/> has.</summary>
    public Dictionary<string, Dictionary<string, string>> Sizes { get; init; } = [];

    /// <summary>Schedulers to native ones.</summary>
    public Dictionary<string, string> Schedulers { get; init; } = [];

    /// <summary>The fields of a model's input.</summary>
    public IReadOnlyDictionary<string, InputField> InputsOf(MappedModel model) =>
        Inputs.GetValueOrDefault(model.Inputs)
        ?? throw new InvalidOperationException($"Faces:Fal:Inputs has no '{model.Inputs}', which a model names.");
}

/// <summary>The models of this face: those of its table, and the catalogue's own.</summary>
internal sealed class FalModels(FalTable table, ModelDirectory directory)
{
    /// <summary>The model at a path.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public async Task<MappedModel> FindAsync(string path, CancellationToken cancellationToken)
    {
        if (table.Models.TryGetValue(path, out MappedModel? model))
        {
            return model;
        }

        string own = table.Owner + "/";
        return
            path.StartsWith(own, StringComparison.Ordinal)
            && (await directory.ModelsAsync(cancellationToken)).TryGetValue(path[own.Length..], out ModelEntry? entry)
            ? Own(entry)
            : throw new ProblemException(404, "model_not_found", $"Application '{ErrorText.Shown(path)}' not found");
    }

    private static MappedModel Own(ModelEntry entry)
    {
        string task =
            entry.Kinds.Any(k => k is JobKind.Text2Img or JobKind.Img2Img or JobKind.Inpaint) ? MappedTask.Picture
            : entry.Kinds.Contains(JobKind.SuperResolution) ? MappedTask.Upscale
            : MappedTask.Video;
        return new MappedModel
        {
            Native = entry.Name,
            Task = task,
            Inputs = $"own-{task}",
            Sizes = "images",
            Single = task != MappedTask.Picture,
        };
    }
}
