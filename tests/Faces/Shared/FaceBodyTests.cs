using System.Net.Http.Headers;
using System.Text;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Generation.Faces.Tests.Shared;

public sealed class FaceBodyTests
{
    [TestCase("application/json", """{"prompt":"a","width":"512","flag":"yes","number":7.5}""")]
    [TestCase(null, """ {"prompt":"a","width":512,"flag":true,"number":"7.5"}""")]
    [TestCase("application/x-www-form-urlencoded", """{"prompt":"a","width":512.0,"flag":1,"number":" 7.5 "}""")]
    [TestCase("text/plain", "\uFEFF{\"prompt\":\"a\",\"width\":512,\"flag\":\"on\",\"number\":7.5,}")]
    [TestCase("application/x-www-form-urlencoded", "prompt=a&width=512&flag=true&number=7.5&seed=")]
    [TestCase(null, "prompt=a&width=512&flag=Yes&number=7.5\r\n")]
    public async Task Read_AnyForm_GivesTheSameFields(string? contentType, string content)
    {
        FaceBody body = await ReadAsync(contentType, Encoding.UTF8.GetBytes(content));

        Assert.That(body.Text("prompt"), Is.EqualTo("a"));
        Assert.That(body.Int("width"), Is.EqualTo(512));
        Assert.That(body.Flag("flag"), Is.True);
        Assert.That(body.Number("number"), Is.EqualTo(7.5));
        Assert.That(body.Integer("seed"), Is.Null);
        Assert.That(body.Text("absent"), Is.Null);
        Assert.DoesNotThrow(body.Errors.ThrowIfAny);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Read_MultipartWithAndWithoutContentType_GivesValuesAndFiles(bool typed)
    {
        byte[] picture = [1, 2, 3, 0x0D, 0x0A, 4];
        using var form = new MultipartFormDataContent("the-boundary");
        form.Add(new StringContent("a red apple"), "prompt");
        form.Add(new StringContent(""), "seed");
        form.Add(new StringContent("512"), "width");
        AddFile("image[]", picture);
        AddFile("image[]", [5]);
        AddFile("empty", []);
        FaceBody body = await ReadAsync(typed ? form.Headers.ContentType!.ToString() : null, await form.ReadAsByteArrayAsync());

        Assert.That((body.Text("prompt"), body.Integer("seed"), body.Int("width")), Is.EqualTo(("a red apple", (long?)null, (int?)512)));
        Assert.That(body.Pictures("images", "image").Select(p => p.Bytes!.Value.ToArray()), Is.EqualTo(new byte[][] { picture, [5] }));
        Assert.That(body.Picture("empty"), Is.Null);

        void AddFile(string name, byte[] bytes)
        {
            var file = new ByteArrayContent(bytes);
            file.Headers.ContentType = new MediaTypeHeaderValue("image/png");
            form.Add(file, name, "a.png");
        }
    }

    [Test]
    public async Task Read_PartsAsRequestsSendsThem_AreValues()
    {
        // Python's files={"prompt": (None, "..."), "width": ("", "512")}
        const string Content =
            "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nan apple\r\n"
            + "--b\r\nContent-Disposition: form-data; name=\"width\"; filename=\"\"\r\nContent-Type: text/plain\r\n\r\n512\r\n--b--\r\n";

        FaceBody body = await ReadAsync("multipart/form-data; boundary=b", Encoding.UTF8.GetBytes(Content));

        Assert.That((body.Text("prompt"), body.Int("width")), Is.EqualTo(("an apple", (int?)512)));
    }

    [Test]
    public async Task Read_WrongValues_AreNamedAllAtOnce()
    {
        FaceBody body = await ReadAsync(
            "application/json",
            """{"width":"wide","guidance":"NaN","flag":"perhaps","steps":2.5,"prompt":["a"],"seed":null,"n":"undefined"}"""u8.ToArray()
        );

        Assert.That(
            (
                body.Int("width"),
                body.Number("guidance"),
                body.Flag("flag"),
                body.Int("steps"),
                body.Text("prompt"),
                body.Int("seed"),
                body.Int("n")
            ),
            Is.EqualTo(((int?)null, (double?)null, (bool?)null, (int?)null, (string?)null, (int?)null, (int?)null))
        );
        ProblemException e = Assert.Throws<ProblemException>(body.Errors.ThrowIfAny)!;
        Assert.That(e.Problem.Errors!.Keys, Is.EqualTo(new[] { "width", "guidance", "flag", "steps", "prompt" }));
        Assert.That(e.Problem.Errors["width"][0], Is.EqualTo("must be a whole number, and is 'wide'"));
        Assert.That(body.WrongTypes, Does.Contain("prompt"));
    }

    [TestCase("application/json", "{\"prompt\":", "malformed_json")]
    [TestCase("application/json", "[1]", "malformed_json")]
    [TestCase(null, "just words", "malformed_body")]
    [TestCase("multipart/form-data", "no boundary at all", "malformed_form")]
    [TestCase("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ncut", "malformed_form")]
    public async Task Read_Broken_SaysWhatItIs(string? contentType, string content, string code)
    {
        ProblemException e = (await Assert.ThrowsAsync<ProblemException>(() => ReadAsync(contentType, Encoding.UTF8.GetBytes(content))))!;
        Assert.That(e.Problem.Code, Is.EqualTo(code));
    }

    [Test]
    public async Task Read_LargerThanTheLimit_Is413()
    {
        ProblemException e = (await Assert.ThrowsAsync<ProblemException>(() => ReadAsync(null, new byte[101], 100)))!;
        Assert.That(e.Problem.Status, Is.EqualTo(413));
    }

    [Test]
    public async Task Fingerprint_OtherBoundary_IsTheSame_OtherValueIsNot()
    {
        async Task<byte[]> OfAsync(string boundary, string prompt)
        {
            using var form = new MultipartFormDataContent(boundary)
            {
                { new StringContent(prompt), "prompt" },
                { new ByteArrayContent([1, 2]), "image", "a.png" },
            };
            HttpRequest http = Request(form.Headers.ContentType!.ToString(), await form.ReadAsByteArrayAsync());
            return (await FaceBody.ReadAsync(http, 1000, default)).Fingerprint(http);
        }

        Assert.That(await OfAsync("one", "a"), Is.EqualTo(await OfAsync("two", "a")));
        Assert.That(await OfAsync("one", "a"), Is.Not.EqualTo(await OfAsync("one", "b")));
    }

    [Test]
    public async Task Texts_ListRepeatedFieldOrCommas_AreTheSame()
    {
        foreach (string content in new[] { """{"tags":["a","b"]}""", "tags[]=a&tags[]=b", "tags=a,%20b" })
        {
            Assert.That((await ReadAsync(null, Encoding.UTF8.GetBytes(content))).Texts("tags"), Is.EqualTo(new[] { "a", "b" }));
        }
    }

    [Test]
    public async Task Texts_AsManyAsMayBe_AreRead([Values] bool asOneText)
    {
        string texts = string.Join(asOneText ? "," : "\",\"", Enumerable.Repeat("a", FaceBody.MaxTexts));
        FaceBody body = await ReadAsync(null, Encoding.UTF8.GetBytes($$"""{"tags":["{{texts}}"]}"""));

        Assert.That(body.Texts("tags"), Has.Count.EqualTo(FaceBody.MaxTexts));
        Assert.That(body.Errors.HasAny, Is.False);
    }

    [TestCase("many items", 101)]
    [TestCase("one text of commas", 65_001)]
    [TestCase("many texts of commas", 1_300_020)]
    public async Task Texts_MoreThanMayBe_AreAnErrorAndNone(string how, int count)
    {
        string commas = new(',', 65_000);
        string json = how switch
        {
            "many items" => string.Join(",", Enumerable.Repeat("\"a\"", count)),
            "one text of commas" => $"\"{commas}\"",
            _ => string.Join(",", Enumerable.Repeat($"\"{commas}\"", 20)),
        };
        FaceBody body = await ReadAsync(null, Encoding.UTF8.GetBytes($$"""{"tags":[{{json}}]}"""), 4 << 20);

        Assert.That(body.Texts("tags"), Is.Empty);
        Assert.That(
            () => body.Errors.ThrowIfAny(),
            Throws.InstanceOf<ProblemException>().With.Message.EqualTo($"tags: may have 100 texts at most, and has {count}.")
        );
    }

    [Test]
    public async Task Release_ReadBody_KeepsShortTextsAndLetsPicturesGo()
    {
        string picture = new('A', 100_000);
        FaceBody body = await ReadAsync(null, Encoding.UTF8.GetBytes($$"""{"prompt":"a cat","image":"{{picture}}","tags":["x"]}"""));
        PictureSource source = body.Picture("image")!;

        long kept = body.Release();

        Assert.That(kept, Is.LessThan(1000));
        Assert.That((source.Encoded, source.Bytes), Is.EqualTo(((Memory<byte>?)null, (ReadOnlyMemory<byte>?)null)));
        Assert.That((body.Text("prompt"), body.Has("image"), body.Texts("tags")), Is.EqualTo(("a cat", true, new[] { "x" })));
        Assert.That(body.Text("image"), Is.Null);
    }

    private static Task<FaceBody> ReadAsync(string? contentType, byte[] content, long maxBytes = 1 << 20) =>
        FaceBody.ReadAsync(Request(contentType, content), maxBytes, default);

    /// <summary>What reading a body asks for.</summary>
    internal static IServiceProvider Services { get; } =
        new ServiceCollection().AddOptions().AddSingleton<BodyBudget>().BuildServiceProvider();

    private static HttpRequest Request(string? contentType, byte[] content)
    {
        var http = new DefaultHttpContext { RequestServices = Services };
        http.Request.Method = "POST";
        http.Request.Body = new MemoryStream(content);
        http.Request.ContentLength = content.Length;
        http.Request.ContentType = contentType;
        return http.Request;
    }
}
