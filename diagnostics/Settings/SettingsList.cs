using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Generation.Diagnostics.Settings;

/// <summary>A setting that a program reads.</summary>
/// <param name="Name">Its name as the environment has it, as Jobs__LeaseSeconds.</param>
/// <param name="Default">What holds where it is not set; empty where nothing does.</param>
/// <param name="Meaning">One line.</param>
public sealed record Setting(string Name, string Default, string Meaning);

/// <summary>
/// The settings of a program, read from its classes of options: those with a constant named Section, whose properties are the section's
/// settings, whose initial values are the defaults, and whose docstrings (in the XML file beside the assembly) are the meanings.
/// </summary>
public static partial class SettingsList
{
    /// <summary>Those that stand in no class of options.</summary>
    private static readonly Setting[] Others =
    [
        new("ConnectionStrings__Postgres", "", "PostgreSQL, in Npgsql's form."),
        new("ConnectionStrings__PostgresOwner", "", "For migrate alone: the role that owns the tables, where the programs have another."),
        new("ConnectionStrings__Redis", "", "Redis, in StackExchange.Redis's form."),
        new("ConnectionStrings__RabbitMq", "", "RabbitMQ, as amqp://user:password@host:port/virtual-host."),
        new("OTEL_EXPORTER_OTLP_ENDPOINT", "", "An OpenTelemetry collector for traces and metrics; without one, nothing is sent."),
        new("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "How the collector is spoken to: grpc or http/protobuf."),
        new("OTEL_SERVICE_NAME", "", "The name of the service in traces; without one, the program's own."),
        new("GENERATION_MAX_ISA", "", "The most that kernels and libtorch may use: baseline, avx2, avx512, avx512_bf16 or amx_bf16."),
        new("GENERATION_KERNELS", "1", "0 leaves all computing to libtorch."),
        new("OMP_NUM_THREADS", "", "Threads of a computation where Worker__Threads does not say; without it, the cores of the process."),
        new(SettingsFile.Variable, "", "A file of settings, over which all others go: what `./generation up --servers-only` writes."),
    ];

    /// <summary>The settings of <paramref name="programs"/> as JSON, by name, for whoever asks a program for them.</summary>
    public static string Json(params IEnumerable<Assembly> programs) => JsonSerializer.Serialize(Of(programs), JsonSerializerOptions.Web);

    private static IEnumerable<Setting> Of(IEnumerable<Assembly> programs) =>
        programs
            .SelectMany(assembly => assembly.GetTypes().Where(IsOptions).SelectMany(type => Of(type, Docstrings(assembly))))
            .Concat(Others)
            .OrderBy(setting => setting.Name, StringComparer.Ordinal);

    private static bool IsOptions(Type type) =>
        type.GetField("Section") is { IsLiteral: true } && !type.Name.EndsWith("Table", StringComparison.Ordinal);

    private static IEnumerable<Setting> Of(Type type, IReadOnlyDictionary<string, string> docstrings)
    {
        string section = ((string)type.GetField("Section")!.GetRawConstantValue()!).Replace(":", "__", StringComparison.Ordinal);
        object first = Activator.CreateInstance(type)!;
        object second = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite && IsPlain(property.PropertyType)))
        {
            string value = Text(property.GetValue(first));
            // What is drawn anew for each process, as a worker's name, is no default to write down
            yield return new Setting(
                $"{section}__{property.Name}",
                value == Text(property.GetValue(second)) ? value : "",
                docstrings.GetValueOrDefault($"P:{type.FullName}.{property.Name}", "")
            );
        }
    }

    private static bool IsPlain(Type type) =>
        type == typeof(string)
        || type == typeof(string[])
        || (Nullable.GetUnderlyingType(type) ?? type) is { IsPrimitive: true }
        || (Nullable.GetUnderlyingType(type) ?? type) == typeof(decimal);

    private static string Text(object? value) =>
        value switch
        {
            string[] words => string.Join(',', words),
            bool yes => yes ? "true" : "false",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };

    private static Dictionary<string, string> Docstrings(Assembly assembly)
    {
        string path = Path.ChangeExtension(assembly.Location, ".xml");
        return !File.Exists(path)
            ? []
            : XDocument
                .Load(path)
                .Descendants("member")
                .Where(member => member.Element("summary") is not null)
                .ToDictionary(
                    member => (string)member.Attribute("name")!,
                    member => Line(member.Element("summary")!),
                    StringComparer.Ordinal
                );
    }

    /// <summary>A summary in one line, with the last part of what it refers to.</summary>
    private static string Line(XElement summary) =>
        Space()
            .Replace(
                string.Concat(
                    summary
                        .Nodes()
                        .Select(node =>
                            node is XElement see ? ((string?)see.Attribute("cref") ?? see.Value).Split('.', ':')[^1] : node.ToString()
                        )
                ),
                " "
            )
            .Trim();

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Space();
}
