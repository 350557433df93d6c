using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Generation.Api.Web;

namespace Generation.Api.Page;

/// <summary>The page for people: configuration section "Page".</summary>
internal sealed record PageOptions
{
    public const string Section = "Page";

    /// <summary>
    /// A folder from which the page's files are read at every request, for whoever works on them (api/Web/App of the clone); absent: those
    /// that are built in.
    /// </summary>
    public string? Folder { get; init; }
}

/// <summary>
/// The files of the page, which are built into the program. They stand under an address that has a hash of all of them in it: modules name
/// each other by relative addresses, so that each has an address of its content without being rewritten, and may be kept for ever.
/// </summary>
internal sealed class PageFiles
{
    /// <summary>Stands in index.html for the address under which all other files are.</summary>
    private const string Placeholder = "app/";

    private const string Prefix = "App/";
    private const string Index = "index.html";

    private readonly Dictionary<string, CompressedFile> _files;

    private PageFiles(IReadOnlyDictionary<string, byte[]> files)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, byte[] bytes) in files.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            all.AppendData(Encoding.UTF8.GetBytes(name));
            all.AppendData(SHA256.HashData(bytes));
        }

        Version = Convert.ToHexStringLower(all.GetHashAndReset())[..16];
        byte[] page = Addressed(files[Index]);
        ImportMapHash = HashOfImportMap(Encoding.UTF8.GetString(page));
        _files = files.ToDictionary(
            file => file.Key,
            file => new CompressedFile(file.Key == Index ? page : file.Value, TypeOf(file.Key)),
            StringComparer.Ordinal
        );
    }

    /// <summary>Changes whenever a file does.</summary>
    public string Version { get; }

    /// <summary>
    /// SHA-256, in base64, of the page's import map: names by which libraries import each other. It is no script, and stands in the page as
    /// there is no other place for it; the page's policy allows it by this.
    /// </summary>
    public string ImportMapHash { get; }

    /// <summary>The page itself, which names the others.</summary>
    public CompressedFile Page => _files[Index];

    /// <summary>A file by its name below api/Web/App; null where there is none.</summary>
    public CompressedFile? Find(string name) => name == Index ? null : _files.GetValueOrDefault(name);

    /// <summary>The files that are built in.</summary>
    public static PageFiles BuiltIn()
    {
        Assembly assembly = typeof(PageFiles).Assembly;
        return new PageFiles(
            assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
                .ToDictionary(name => name[Prefix.Length..], name => Read(assembly.GetManifestResourceStream(name)!))
        );
    }

    /// <summary>The files of a folder, as they are now.</summary>
    public static PageFiles Of(string folder) =>
        new(
            Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .ToDictionary(path => Path.GetRelativePath(folder, path).Replace('\\', '/'), File.ReadAllBytes)
        );

    private byte[] Addressed(byte[] page) =>
        Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(page).Replace($"\"{Placeholder}", $"\"/app/{Version}/", StringComparison.Ordinal));

    private static string HashOfImportMap(string page)
    {
        const string Begin = "<script type=\"importmap\">";
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        string map = page[begin..page.IndexOf("</script>", begin, StringComparison.Ordinal)];
        return Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(map)));
    }

    private static byte[] Read(Stream resource)
    {
        using Stream stream = resource;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static string TypeOf(string name) =>
        Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
}
