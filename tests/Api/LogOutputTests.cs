using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Generation.Diagnostics.Logging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Generation.Api.Tests;

/// <summary>What may stand in a log, and how long its lines are.</summary>
public sealed class LogOutputTests
{
    [TestCase(
        "GET http://h/v1/jobs/1/outputs/0?expires=17&signature=abcDEF-_1 - 200",
        "GET http://h/v1/jobs/1/outputs/0?expires=…&signature=… - 200"
    )]
    [TestCase("Request reached /x?key=gk_0123456789abcdef", "Request reached /x?key=…")]
    [TestCase(@"{""Path"":""/x?a=b\u0026signature=abc"",""n"":1}", @"{""Path"":""/x?a=…\u0026signature=…"",""n"":1}")]
    [TestCase("no such job 'gk_0123456789abcdef'", "no such job 'gk_…'")]
    [TestCase("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw==", "signed with whsec_…")]
    [TestCase("Invalid header: 'Authorization: Bearer abcdefghijkl'", "Invalid header: 'Authorization: Bearer …'")]
    [TestCase("X-Api-Key: abc", "X-Api-Key: …")]
    [TestCase(@"{""x-api-key"":[""abc""]}", @"{""x-api-key"":[""…""]}")]
    [TestCase("Host=h;Username=u;Password=s3cret;Port=1", "Host=h;Username=u;Password=…;Port=1")]
    [TestCase("127.0.0.1:6379,password=s3cret,ssl=false", "127.0.0.1:6379,password=…,ssl=false")]
    [TestCase("amqp://generation:s3cret@rabbit:5672/v could not", "amqp://generation:…@rabbit:5672/v could not")]
    [TestCase(
        "AWS4-HMAC-SHA256 Credential=AK/1/s3, SignedHeaders=host, Signature=ff00",
        "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=host, Signature=…"
    )]
    [TestCase("Job 1 submitted: Text2Img on demo for 2.5 credits", "Job 1 submitted: Text2Img on demo for 2.5 credits")]
    [TestCase("SELECT id FROM jobs WHERE id = $1 AND state = 2", "SELECT id FROM jobs WHERE id = $1 AND state = 2")]
    public void Redaction_OfAText_HidesSecretsAndLeavesTheRest(string text, string shown) =>
        Assert.That(Redaction.Of(text), Is.EqualTo(shown));

    [Test]
    public void Write_ALineInPieces_IsWrittenWholeAndWithoutSecrets()
    {
        var stream = new MemoryStream();
        using var output = new LogOutput(stream);
        output.Write("see /x?signa");
        output.Flush();
        Assert.That(stream.Length, Is.Zero, "half a line may be half a secret");
        output.Write("ture=abc");
        output.WriteLine("def");
        output.Write("second\nthird");

        Assert.That(Encoding.UTF8.GetString(stream.ToArray()), Is.EqualTo("see /x?signature=…\nsecond\n"));
    }

    [TestCase("first", "a line of 5 characters could not be redacted")]
    [TestCase("{\"a\":1}", "{\"Message\":\"a line of 7 characters could not be redacted\"}")]
    public void Write_ALineThatCannotBeRedacted_TellsItsLengthAndGoesOn(string line, string told)
    {
        var stream = new MemoryStream();
        using var output = new LogOutput(stream, text =>
            text == line ? throw new RegexMatchTimeoutException(text, "", TimeSpan.Zero) : Redaction.Of(text)
        );
        output.WriteLine(line);
        output.WriteLine("second?key=abc");

        Assert.That(Encoding.UTF8.GetString(stream.ToArray()), Is.EqualTo($"{told}\nsecond?key=…\n"));
    }

    [Test]
    public void Write_ALongLineThatCannotBeRedacted_LeavesNothingToTheNext()
    {
        var stream = new MemoryStream();
        using var output = new LogOutput(stream, text => text.Length > 100 ? throw new InvalidOperationException() : text);
        output.WriteLine(new string('a', 3_000_000));
        output.WriteLine("second");

        Assert.That(Encoding.UTF8.GetString(stream.ToArray()), Is.EqualTo("a line of 3000000 characters could not be redacted\nsecond\n"));
    }

    [TestCase(20_000)]
    [TestCase(3_000_000)]
    public void Write_ALongLine_IsCutToTheLimit(int length)
    {
        var stream = new MemoryStream();
        using var output = new LogOutput(stream);
        output.WriteLine(new string('ä', length));
        output.WriteLine("next");

        string[] lines = Encoding.UTF8.GetString(stream.ToArray()).TrimEnd('\n').Split('\n');
        Assert.That(Encoding.UTF8.GetByteCount(lines[0]) + 1, Is.LessThanOrEqualTo(LogOutput.MaxLineBytes));
        Assert.That(lines[0], Does.StartWith("ää").And.EndsWith($"… ({length} characters)"));
        Assert.That(lines[1], Is.EqualTo("next"));
    }

    [TestCase(20_000)]
    [TestCase(3_000_000)]
    public void Write_ALongLineOfJson_StaysJson(int length)
    {
        var stream = new MemoryStream();
        using var output = new LogOutput(stream);
        output.WriteLine(
            new JsonObject
            {
                ["LogLevel"] = "Error",
                ["Message"] = new string('"', length),
                ["EventId"] = 7,
            }.ToJsonString()
        );

        Assert.That(stream.Length, Is.LessThanOrEqualTo(LogOutput.MaxLineBytes));
        Assert.That((string?)JsonNode.Parse(stream.ToArray())!["Message"], Is.Not.Empty);
    }

    [TestCase(ConsoleFormatterNames.Simple)]
    [TestCase(ConsoleFormatterNames.Json)]
    [TestCase(ConsoleFormatterNames.Systemd)]
    public void ConsoleLogger_OfAnyForm_WritesThroughIt(string form)
    {
        TextWriter before = Console.Out;
        var stream = new MemoryStream();
        try
        {
            Console.SetOut(new LogOutput(stream));
            using ILoggerFactory factory = LoggerFactory.Create(logging => logging.AddConsole(console => console.FormatterName = form));
            factory.CreateLogger("Some.Library").Log(LogLevel.Error, 0, "/x?signature=abc", null, (text, _) => text);
        }
        finally
        {
            Console.SetOut(before);
        }

        Assert.That(
            Encoding.UTF8.GetString(stream.ToArray()),
            Does.Contain("Some.Library").And.Contain("signature=").And.Not.Contain("=abc")
        );
    }
}
