using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Database;

/// <summary>
/// A statement in a file of storage/Sql, in the form in which it can be pasted into psql, with a name (:id) for each parameter. It is read
/// once and sent with numbers ($1) in place of names, so that nothing is parsed each time it is run.
/// </summary>
internal sealed partial class Statement
{
    private readonly (string Name, NpgsqlDbType Type)[] _parameters;

    /// <param name="name">The file's name, without folder and extension.</param>
    /// <param name="parameters">The names and types of the parameters, in the order in which their values are given.</param>
    /// <exception cref="InvalidOperationException">There is no such file, or its parameters are others.</exception>
    public Statement(string name, params (string Name, NpgsqlDbType Type)[] parameters)
    {
        (Name, _parameters) = (name, parameters);
        using Stream file = typeof(Statement).Assembly.GetManifestResourceStream(ResourceOf(name))
            ?? throw new InvalidOperationException($"There is no file storage/Sql/{name}.sql.");
        using var reader = new StreamReader(file);
        var used = new HashSet<string>(StringComparer.Ordinal);
        string text = Token()
            .Replace(reader.ReadToEnd(), match =>
            {
                if (match.Groups["comment"].Success)
                {
                    return "";
                }

                if (match.Groups["parameter"] is not { Success: true, Value: { } parameter })
                {
                    return match.Value;
                }

                used.Add(parameter);
                return $"${Array.FindIndex(parameters, p => p.Name == parameter) + 1}";
            });
        Text = string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).TrimEnd(';');
        if (!used.SetEquals(parameters.Select(p => p.Name)))
        {
            throw new InvalidOperationException(
                $"storage/Sql/{name}.sql has the parameters {string.Join(", ", used)}, and is given "
                    + $"{string.Join(", ", parameters.Select(p => p.Name))}."
            );
        }
    }

    public string Name { get; }

    /// <summary>The text that is sent: the file without its comments, with numbers for parameters.</summary>
    public string Text { get; }

    public int ParameterCount => _parameters.Length;

    /// <summary>The name of a file as a resource of the assembly.</summary>
    public static string ResourceOf(string name) => $"Sql/{name}.sql";

    /// <summary>Makes a command for a connection of <paramref name="source"/>, with a value for each parameter; null is SQL's.</summary>
    [SuppressMessage("Security", "CA2100", Justification = "The text is a file of this assembly.")]
    public NpgsqlCommand On(NpgsqlDataSource source, params ReadOnlySpan<object?> values)
    {
        NpgsqlCommand command = source.CreateCommand(Text);
        Bind(command.Parameters, values);
        return command;
    }

    /// <summary>Makes a part of a batch, with a value for each parameter; null is SQL's.</summary>
    public NpgsqlBatchCommand InBatch(params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlBatchCommand(Text);
        Bind(command.Parameters, values);
        return command;
    }

    private void Bind(NpgsqlParameterCollection parameters, ReadOnlySpan<object?> values)
    {
        if (values.Length != _parameters.Length)
        {
            throw new ArgumentException($"{Name}.sql takes {_parameters.Length} values, and is given {values.Length}.", nameof(values));
        }

        for (int i = 0; i < values.Length; i++)
        {
            parameters.Add(new NpgsqlParameter { Value = values[i] ?? DBNull.Value, NpgsqlDbType = _parameters[i].Type });
        }
    }

    // What stands in quotes and a cast's :: are no parameters
    [GeneratedRegex(
        """'[^']*'|(?<comment>--[^\n]*)|::|:(?<parameter>[a-z][a-z_]*)""",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 30_000
    )]
    private static partial Regex Token();
}
