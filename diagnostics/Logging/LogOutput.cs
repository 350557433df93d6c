using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;

namespace Generation.Diagnostics.Logging;

/// <summary>
/// The standard output and error of a server program: whole lines, without secrets (<see cref="Redaction"/>), of at most
/// <see cref="MaxLineBytes"/>. It stands behind all logging, so that it holds for every library, level and form of log.
/// </summary>
public sealed class LogOutput : TextWriter
{
    /// <summary>The length of the longest line with its end, in bytes of UTF-8.</summary>
    public const int MaxLineBytes = 16 * 1024;

    /// <summary>How many characters of a line are looked at. Of those beyond, only the number is written.</summary>
    private const int MaxKept = 1 << 20;

    private readonly Stream _output;
    private readonly Func<string, string> _redact;
    private readonly StringBuilder _line = new();
    private long _more;

    /// <param name="output">Takes the lines, in UTF-8.</param>
    /// <param name="redact">Takes the secrets out of a line; null: <see cref="Redaction.Of"/>.</param>
    public LogOutput(Stream output, Func<string, string>? redact = null)
        : base(CultureInfo.InvariantCulture) => (_output, _redact) = (output, redact ?? Redaction.Of);

    public override Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>
    /// From now on all that this process writes through <see cref="Console"/> goes this way; nothing changes where another program hosts
    /// <paramref name="program"/>, as tests do.
    /// </summary>
    public static void Use(Assembly program)
    {
        if (Assembly.GetEntryAssembly() != program)
        {
            return;
        }

        Console.SetOut(new LogOutput(Console.OpenStandardOutput()));
        Console.SetError(new LogOutput(Console.OpenStandardError()));
    }

    public override void Write(char value) => Write([value]);

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(ReadOnlySpan<char> buffer)
    {
        lock (_line)
        {
            while (buffer.IndexOf('\n') is >= 0 and var end)
            {
                Keep(buffer[..end]);
                EndLine();
                buffer = buffer[(end + 1)..];
            }

            Keep(buffer);
        }
    }

    /// <summary>Writes a line when it ends, because half a line could end in half a secret.</summary>
    public override void Flush() { }

    protected override void Dispose(bool disposing)
    {
        lock (_line)
        {
            if (_line.Length > 0)
            {
                EndLine();
            }
        }

        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<char> text)
    {
        int room = Math.Min(text.Length, MaxKept - _line.Length);
        _line.Append(text[..room]);
        _more += text.Length - room;
    }

    private void EndLine()
    {
        string text = _line.ToString();
        long more = _more;
        // Whatever becomes of this line, the next begins anew
        _line.Clear();
        _more = 0;
        _output.Write(Encoding.GetBytes(LogLine.Shortened(Redacted(text, ref more), more, MaxLineBytes - 1) + "\n"));
        _output.Flush();
    }

    /// <summary>The line without secrets; where they cannot be taken out, as when that takes too long, none of the line.</summary>
    private string Redacted(string line, ref long more)
    {
        try
        {
            return _redact(line);
        }
        catch (Exception)
        {
            string told = $"a line of {line.Length + more} characters could not be redacted";
            more = 0;
            return line.StartsWith('{') ? new JsonObject { ["Message"] = told }.ToJsonString() : told;
        }
    }
}
