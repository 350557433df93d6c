using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Generation.Diagnostics.Settings;

/// <summary>A setting that a program reads.</summary>
/// <param name="Name">The setting's name in the environment, for example Jobs__LeaseSeconds.</param>
/// <param name="Default">The value where it is not set; empty for none.</param>
/// <param name="Meaning">One line that says what it means.</param>
public sealed record Setting(string Name, string Default, string Meaning);

/// <summary>
/// Lists the settings of a program. They are read from its option classes, which have a constant named Section: their properties are the
/// section's settings, the properties' initial values the defaults, and their docstrings (in the XML file beside the assembly) the
/// meanings.
/// </summary>
public static partial class SettingsList
{
    /// <summary>The settings that belong to no option class.</summary>
    private static readonly Setting[] Others =
    [
        new(
            "ConnectionStrings__Postgres",
            "",
            "The connection string of PostgreSQL, in Npgsql's form; a password that it lacks is in Passwords__File."
        ),
        new("ConnectionStrings__PostgresOwner", "", "For migrate alone: the role that owns the tables, where the programs have another."),
        new(
            "ConnectionStrings__Redis",
            "",
            "The connection string of Redis, in StackExchange.Redis's form; a password that it lacks is in Passwords__File."
        ),
        new(
            "ConnectionStrings__RabbitMq",
            "",
            "The connection string of RabbitMQ, as amqp://user:password@host:port/virtual-host; a password that it lacks is in "
                + "Passwords__File."
        ),
        new("OTEL_EXPORTER_OTLP_ENDPOINT", "", "An OpenTelemetry collector for traces and metrics; without one, nothing is sent."),
        new("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "The protocol of the collector: grpc or http/protobuf."),
        new("OTEL_SERVICE_NAME", "", "The name of the service in traces; without one, the program's own."),
        new(
            "GENERATION_MAX_ISA",
            "",
            "The largest instruction set that kernels and libtorch may use: baseline, avx2, avx512, avx512_bf16 or amx_bf16."
        ),
        new("GENERATION_KERNELS", "1", "0 turns our own kernels off, so that libtorch computes everything."),
        new(
            "OMP_NUM_THREADS",
            "",
            "The number of threads of a computation where Worker__Threads is not set; without it, as many as the process has cores."
        ),
        new(
            SettingsFile.Variable,
            "",
            "A file of settings, which all other settings override; the one that `./generation up --servers-only` writes."
        ),
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

    /// <summary>The text of a summary in one line; references are reduced to their last part.</summary>
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
