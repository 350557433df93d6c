using System.Net;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Results;

namespace Generation.Api.Tests;

/// <summary>Pictures that callers bring.</summary>
public sealed class InputTests
{
    private ApiScope _api = null!;
    private PictureSite _site = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync(
            ("Outbound:AllowedNetworks", "127.0.0.0/8"),
            ("Outbound:TimeoutSeconds", "60"),
            ("Inputs:MaxBytes", "100000")
        );
        _site = await PictureSite.StartAsync();
    }

    [OneTimeTearDown]
    public async Task StopApi()
    {
        await _site.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Test]
    public async Task Upload_AsBodyOrMultipart_IsKeptAndCanBeNamed([Values] bool multipart)
    {
        using var file = new ByteArrayContent(PictureSite.Png);
        using HttpContent content = multipart ? new MultipartFormDataContent { { file, "file", "some.jpg" } } : file;

        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", content);

        JsonElement upload = await ApiScope.ReadAsync<JsonElement>(answer);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), upload.ToString());
        Assert.That(upload.GetProperty("content_type").GetString(), Is.EqualTo("image/png"), "by content, not by name");
        Assert.That(upload.GetProperty("width").GetInt32(), Is.EqualTo(1));
        (StoredPicture? picture, _) = await ResolveAsync(upload.GetProperty("id").GetString()!);
        Assert.That(picture!.Sha256, Is.EqualTo(upload.GetProperty("sha256").GetString()));
        await using Stream? kept = await _api.Get<IResultsStore>().OpenAsync(picture.Sha256, default);
        Assert.That(kept!.Length, Is.EqualTo(PictureSite.Png.Length));
    }

    [Test]
    public async Task Upload_OfAnotherAccount_CannotBeNamed()
    {
        using var file = new ByteArrayContent(PictureSite.Png);
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", file);
        string id = (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("id").GetString()!;
        var errors = new FieldErrors();
        using var share = new BodyShare(_api.Get<BodyBudget>(), "another");

        StoredPicture? picture = await _api.Get<InputPictures>()
            .ResolveAsync("image", PictureSource.Of(id), Guid.NewGuid(), errors, share, default);

        Assert.That(picture, Is.Null);
        Assert.That(errors.Has("image"));
    }

    [Test]
    public async Task Upload_NotAPicture_Is422([Values("text", "empty", "cut", "bomb")] string what)
    {
        byte[] bytes = what switch
        {
            "text" => "GIF89a not one of ours"u8.ToArray(),
            "empty" => [],
            "cut" => PictureSite.Png[..20],
            // A header of 60,000 x 60,000 pixels
            _ => [.. PictureSite.Png[..16], 0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, .. PictureSite.Png[24..]],
        };
        using var file = new ByteArrayContent(bytes);

        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", file);

        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("code").GetString(), Is.EqualTo("invalid_picture"));
    }

    [Test]
    public async Task Upload_TooLarge_Is413([Values] bool multipart)
    {
        using var file = new ByteArrayContent(new byte[100_001]);
        using HttpContent content = multipart ? new MultipartFormDataContent { { file, "file", "x.png" } } : file;

        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", content);

        Assert.That((int)answer.StatusCode, Is.EqualTo(413));
    }

    [TestCase("base64")]
    [TestCase("data")]
    [TestCase("/picture")]
    [TestCase("/redirect?times=3")]
    public async Task Resolve_EachForm_GivesThePicture(string form)
    {
        string value = form switch
        {
            "base64" => Convert.ToBase64String(PictureSite.Png),
            "data" => "data:image/png;base64," + Convert.ToBase64String(PictureSite.Png),
            _ => _site.Address + form,
        };

        (StoredPicture? picture, string? error) = await ResolveAsync(value);

        Assert.That(picture?.ContentType, Is.EqualTo("image/png"), error);
    }

    [TestCase("/redirect?times=4", "redirects more than 3 times")]
    [TestCase("/missing", "answered with 404")]
    [TestCase("/large", "more than 100000 bytes")]
    [TestCase("/endless", "more than 100000 bytes")]
    [TestCase("/text", "must be a PNG, JPEG or WebP")]
    [TestCase("/elsewhere", "must be an http or https address")]
    public async Task Resolve_WrongAddress_SaysWhy(string path, string words)
    {
        (StoredPicture? picture, string? error) = await ResolveAsync(_site.Address + path);

        Assert.That(picture, Is.Null);
        Assert.That(error, Does.Contain(words));
    }

    [TestCase("percent-encoded")]
    [TestCase("data without padding")]
    [TestCase("data of the other alphabet")]
    [TestCase("data with a character set")]
    [TestCase("data with lines")]
    [TestCase("the other alphabet")]
    [TestCase("without padding")]
    [TestCase("with lines")]
    public async Task Resolve_Base64InEveryForm_GivesThePicture(string form)
    {
        // With digits that percent-encoding and the other alphabet change, and with padding
        byte[] png = PictureCodec.Encode(
            new Picture(23, 7, 3, [.. Enumerable.Range(0, 23 * 7 * 3).Select(i => (byte)(i * i))]),
            PictureFormat.Png
        );
        string base64 = Convert.ToBase64String(png);
        while (!base64.EndsWith('=') || !base64.Contains('+', StringComparison.Ordinal) || !base64.Contains('/', StringComparison.Ordinal))
        {
            png = [.. png, (byte)png.Length, 0xFB, 0xFF, 0xFE];
            base64 = Convert.ToBase64String(png);
        }

        string lines = string.Join("\r\n", base64.Chunk(76).Select(line => new string(line)));
        string value = form switch
        {
            "percent-encoded" => "data:image/png;base64," + Uri.EscapeDataString(base64),
            "data without padding" => "data:image/png;base64," + base64.TrimEnd('='),
            "data of the other alphabet" => "data:image/png;base64," + base64.Replace('+', '-').Replace('/', '_'),
            "data with a character set" => "DATA:image/png;charset=utf-8;BASE64, " + base64,
            "data with lines" => "data:image/png;base64," + lines,
            "the other alphabet" => base64.Replace('+', '-').Replace('/', '_').TrimEnd('='),
            "without padding" => base64.TrimEnd('='),
            _ => lines,
        };

        (StoredPicture? picture, string? error) = await ResolveAsync(value);

        Assert.That(picture, Is.Not.Null, error);
        Assert.That((picture!.Width, picture.Height, picture.Bytes), Is.EqualTo((23, 7, png.Length)));
    }

    [TestCase("iVBORw0KGgo*AAA", "wrong character, '*', at 12")]
    [TestCase("data:image/png;base64,iVBO%3DRw0", "wrong character, 'R', at 6")]
    [TestCase("iVBORw0KG", "wrong length: 9 characters")]
    [TestCase("iVBORw0=", "must be a PNG, JPEG or WebP")]
    [TestCase("iVBORw0K=", "wrong length: 8 characters, and 1 of padding")]
    public async Task Resolve_WrongBase64_SaysWhere(string value, string words)
    {
        (StoredPicture? picture, string? error) = await ResolveAsync(value);

        Assert.That(picture, Is.Null);
        Assert.That(error, Does.Contain(words));
    }

    [TestCase("cut PNG", "ends within a chunk")]
    [TestCase("cut JPEG", "ends before its end marker")]
    [TestCase("cut WebP", "but the file ends after")]
    [TestCase("too wide", "a side may have at most 16384")]
    public async Task Resolve_PictureThatNoWorkerWouldTake_IsRefusedAtOnce(string what, string words)
    {
        var picture = new Picture(40, 30, 3);
        byte[] file = what switch
        {
            "cut PNG" => PictureCodec.Encode(picture, PictureFormat.Png)[..^12],
            "cut JPEG" => PictureCodec.Encode(picture, PictureFormat.Jpeg)[..^2],
            "cut WebP" => PictureCodec.Encode(picture, PictureFormat.WebP)[..^20],
            _ => PictureCodec.Encode(new Picture(20_000, 4, 1), PictureFormat.Png),
        };
        using var body = new ByteArrayContent(file);

        (_, string? error) = await ResolveAsync(Convert.ToBase64String(file));
        using HttpResponseMessage upload = await _api.Client.PostAsync("/v1/uploads", body);

        Assert.That(error, Does.Contain(words));
        Assert.That((int)upload.StatusCode, Is.EqualTo(422));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(upload)).GetProperty("detail").GetString(), Does.Contain(words));
    }

    [Test]
    public async Task Resolve_PictureWithBytesAfterItsEnd_IsTaken([Values] PictureFormat format)
    {
        byte[] file = [.. PictureCodec.Encode(new Picture(40, 30, 3), format), .. new byte[512]];

        (StoredPicture? picture, string? error) = await ResolveAsync(Convert.ToBase64String(file));

        Assert.That((picture?.Width, picture?.Height), Is.EqualTo((40, 30)), error);
    }

    [TestCase("ftp://example.org/a.png", "must be an upload's id")]
    [TestCase("http://user:password@example.org/", "user name")]
    [TestCase("not base64!", "must be an upload's id")]
    [TestCase("data:image/png,abc", "without ';base64,'")]
    [TestCase("upl_00000000000000000000000000000000", "you have no upload")]
    public async Task Resolve_WrongValue_SaysWhy(string value, string words)
    {
        (StoredPicture? picture, string? error) = await ResolveAsync(value);

        Assert.That(picture, Is.Null);
        Assert.That(error, Does.Contain(words));
    }

    private async Task<(StoredPicture? Picture, string? Error)> ResolveAsync(string value)
    {
        var errors = new FieldErrors();
        using var share = new BodyShare(_api.Get<BodyBudget>(), "tests");
        StoredPicture? picture = await _api.Get<InputPictures>()
            .ResolveAsync("image", PictureSource.Of(value), _api.Account, errors, share, default);
        // The upload before gives its body back after its answer has gone out
        Assert.That(() => _api.Get<BodyBudget>().Taken, Is.Zero.After(60_000, 20), "what was fetched is stored, or of no use");
        try
        {
            errors.ThrowIfAny();
            return (picture, null);
        }
        catch (ProblemException e)
        {
            return (picture, e.Problem.Detail);
        }
    }
}
