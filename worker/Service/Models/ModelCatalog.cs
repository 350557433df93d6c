using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Contracts;
using Microsoft.Extensions.Options;

namespace Generation.Service.Models;

/// <summary>The catalogue entries of the models that this worker runs, read from NAME.json files at the start.</summary>
internal sealed partial class ModelCatalog
{
    private readonly JobKind[] _kinds;
    private readonly string _folder;
    private readonly AdapterFolders _adapters;
    private readonly Dictionary<string, ModelEntry> _entries = [];
    private readonly Dictionary<string, byte[]> _vocabularies = [];

    /// <summary>Reads the entries that the setting Worker:Models names, or all entries in the folder.</summary>
    /// <exception cref="InvalidOperationException">The folder or a model that is named does not exist, or no entry can be used.</exception>
    public ModelCatalog(
        IOptions<ModelsOptions> models,
        IOptions<WorkerOptions> worker,
        IEnumerable<RenderedKind> kinds,
        ILogger<ModelCatalog> logger
    )
    {
        _kinds = [.. kinds.Select(k => k.Kind)];
        _folder = Path.GetFullPath(models.Value.Path);
        if (!Directory.Exists(_folder))
        {
            throw new InvalidOperationException($"Models:Path names the folder {_folder}, which is not there.");
        }

        _adapters = new AdapterFolders(_folder, logger);
        string[] wanted = worker.Value.Models;
        IEnumerable<string> names =
            wanted.Length > 0
                ? wanted
                : Directory
                    .EnumerateFiles(_folder, "*.json")
                    .Select(f => Path.GetFileNameWithoutExtension(f))
                    .Order(StringComparer.Ordinal);
        foreach (string name in names.Distinct(StringComparer.Ordinal))
        {
            try
            {
                _entries[name] = Read(name);
            }
            catch (InvalidOperationException e) when (wanted.Length == 0)
            {
                WorkerLog.ModelEntryRefused(logger, name, e.Message);
            }
        }

        if (_entries.Count == 0)
        {
            throw new InvalidOperationException($"The folder {_folder} has no usable catalogue entry (NAME.json) for a model.");
        }
    }

    public IReadOnlyCollection<ModelEntry> Entries => _entries.Values;

    /// <summary>The packed files of the models' tokenizers, by their hash; see <see cref="TextEncoderEntry.Vocabulary"/>.</summary>
    public IReadOnlyDictionary<string, byte[]> Vocabularies => _vocabularies;

    /// <summary>
    /// The model that is loaded before any job asks for it: demo, where it is one of several models and not the first, else the first of
    /// those named.
    /// </summary>
    public ModelEntry Default =>
        _entries.TryGetValue("demo", out ModelEntry? demo) && Entries.First() != demo && _entries.Count > 1 ? demo : Entries.First();

    public ModelEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>The full path of a file or folder that an entry names.</summary>
    public string PathOf(string relative) => Path.GetFullPath(relative, _folder);

    /// <summary>The full path of a LoRA's file; see <see cref="ModelEntry.Loras"/>.</summary>
    public string LoraPath(string name) => _adapters.LoraPath(name);

    /// <summary>The full path of an embedding's file; see <see cref="ModelEntry.Embeddings"/>.</summary>
    public string EmbeddingPath(string name) => _adapters.EmbeddingPath(name);

    /// <summary>Whether a text is a valid name for a model.</summary>
    public static bool IsName(string name) => ValidName().IsMatch(name);

    private ModelEntry Read(string name)
    {
        string file = Path.Combine(_folder, name + ".json");
        ModelEntry? entry;
        try
        {
            entry = JsonSerializer.Deserialize<ModelEntry>(File.ReadAllText(file), WireJson.Options);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"The catalogue entry {file} cannot be read: {e.Message}", e);
        }

        if (entry is null || entry.Name != name || !ValidName().IsMatch(name))
        {
            throw new InvalidOperationException(
                $"The catalogue entry {file} must have \"name\": \"{name}\", of lowercase letters, digits, '-', '.' and '_'."
            );
        }

        string weights = PathOf(entry.Path);
        if (!Directory.Exists(weights) && !File.Exists(weights))
        {
            throw new InvalidOperationException($"The catalogue entry {file} names the weights {weights}, which are not there.");
        }

        if (
            entry.Kinds.Any(kind => kind != JobKind.SuperResolution)
            && (
                entry.NativeWidth < 1
                || entry.NativeHeight < 1
                || entry.NativeMultiple < 1
                || entry.NativeMinSide < 1
                || entry.NativeMaxSide < entry.NativeMinSide
                || entry.DefaultWidth < 1
                || entry.DefaultHeight < 1
                || entry.DefaultScheduler.Length == 0
            )
        )
        {
            throw new InvalidOperationException(
                $"The catalogue entry {file} must have native_width, native_height, native_min_side, native_max_side, default_width, "
                    + "default_height and default_scheduler."
            );
        }

        JobKind[] kinds = [.. entry.Kinds.Where(k => _kinds.Contains(k) && (k != JobKind.ControlNet || entry.ControlNets.Count > 0))];
        return kinds.Length > 0
            ? _adapters.AddTo(entry with { Kinds = kinds, Network = NetworkFiles.Of(entry, weights, _vocabularies) }, weights)
            : throw new InvalidOperationException(
                $"The catalogue entry {file} has no kind that this version can run ({string.Join(", ", _kinds.Select(k => k.WireName()))})."
            );
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,99}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ValidName();
}

/// <summary>A kind of job that this worker has a renderer for. The catalogue registers models for these kinds only.</summary>
internal sealed record RenderedKind(JobKind Kind);
