using System.Net;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Results;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Generation.Api.Tests;

/// <summary>Pictures that callers bring, and the addresses that they name.</summary>
public sealed class InputTests
{
    /// <summary>1 x 1 pixel.</summary>
    private static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    );

    private ApiScope _api = null!;
    private WebApplication _site = null!;
    private string _address = "";

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync(
            ("Outbound:AllowedNetworks", "127.0.0.0/8"),
            ("Outbound:TimeoutSeconds", "60"),
            ("Inputs:MaxBytes", "100000")
        );
        _site = await StartSiteAsync();
        _address = _site
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.Single()
            .Replace("0.0.0.0", "127.0.0.1");
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
        using var file = new ByteArrayContent(Png);
        using HttpContent content = multipart ? new MultipartFormDataContent { { file, "file", "some.jpg" } } : file;

        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", content);

        JsonElement upload = await ApiScope.ReadAsync<JsonElement>(answer);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), upload.ToString());
        Assert.That(upload.GetProperty("content_type").GetString(), Is.EqualTo("image/png"), "by content, not by name");
        Assert.That(upload.GetProperty("width").GetInt32(), Is.EqualTo(1));
        (StoredPicture? picture, _) = await ResolveAsync(upload.GetProperty("id").GetString()!);
        Assert.That(picture!.Sha256, Is.EqualTo(upload.GetProperty("sha256").GetString()));
        await using Stream? kept = await _api.Get<IResultsStore>().OpenAsync(picture.Sha256, default);
        Assert.That(kept!.Length, Is.EqualTo(Png.Length));
    }

    [Test]
    public async Task Upload_OfAnotherAccount_CannotBeNamed()
    {
        using var file = new ByteArrayContent(Png);
        using HttpResponseMessage answer = await _api.Client.PostAsync("/v1/uploads", file);
        string id = (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("id").GetString()!;
        var errors = new FieldErrors();

        StoredPicture? picture = await _api.Get<InputPictures>()
            .ResolveAsync("image", PictureSource.Of(id), Guid.NewGuid(), errors, default);

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
            "cut" => Png[..20],
            // A header of 60,000 x 60,000 pixels
            _ => [.. Png[..16], 0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, .. Png[24..]],
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
            "base64" => Convert.ToBase64String(Png),
            "data" => "data:image/png;base64," + Convert.ToBase64String(Png),
            _ => _address + form,
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
        (StoredPicture? picture, string? error) = await ResolveAsync(_address + path);

        Assert.That(picture, Is.Null);
        Assert.That(error, Does.Contain(words));
    }

    [Test]
    public async Task GetAsync_NoAnswerInTime_SaysWhy()
    {
        using var outbound = new OutboundHttp(new OutboundOptions { AllowedNetworks = "127.0.0.0/8", TimeoutSeconds = 1 });

        OutboundException? error = await Assert.ThrowsAsync<OutboundException>(() =>
            outbound.GetAsync(new Uri(_address + "/slow"), 1000, default)
        );

        Assert.That(error!.Message, Does.Contain("did not answer within 1 s"));
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

    [TestCase("127.0.0.1")]
    [TestCase("localhost")]
    [TestCase("[::1]")]
    public async Task GetAsync_PrivateAddressNotAllowed_IsRefusedAtConnecting(string host)
    {
        using var outbound = new OutboundHttp(new OutboundOptions());
        int port = new Uri(_address).Port;

        Assert.That(
            async () => await outbound.GetAsync(new Uri($"http://{host}:{port}/picture"), 1000, default),
            Throws.InstanceOf<OutboundException>().With.Message.Contain("not public")
        );
    }

    [Test]
    public async Task GetAsync_RedirectToAnotherPrivateAddress_IsRefusedAtConnecting()
    {
        // One address of this machine is allowed, and leads to another that is not
        using var outbound = new OutboundHttp(new OutboundOptions { AllowedNetworks = "127.0.0.2/32, 10.0.5.0/24" });
        int port = new Uri(_address).Port;
        Uri There(string path) => new($"http://127.0.0.2:{port}{path}");

        Assert.That(
            await outbound.GetAsync(There("/redirect?times=1"), 1000, default),
            Is.EqualTo(Png),
            "a redirect that stays is followed"
        );
        Assert.That(
            async () => await outbound.GetAsync(There($"/away?to=http://127.0.0.1:{port}/picture"), 1000, default),
            Throws.InstanceOf<OutboundException>().With.Message.Contain("not public")
        );
    }

    [Test]
    public void Start_SettingThatAllowedAllPrivateAddresses_NamesTheOneInItsPlace() =>
        Assert.That(
            async () => await ApiScope.CreateAsync(("Outbound:AllowPrivateAddresses", "true")),
            Throws.InstanceOf<Microsoft.Extensions.Options.OptionsValidationException>().With.Message.Contain("Outbound:AllowedNetworks")
        );

    [TestCase("8.8.8.8", true)]
    [TestCase("2606:4700::1111", true)]
    [TestCase("0.0.0.0", false)]
    [TestCase("10.1.2.3", false)]
    [TestCase("100.64.0.1", false)]
    [TestCase("127.9.9.9", false)]
    [TestCase("169.254.169.254", false)]
    [TestCase("172.16.0.1", false)]
    [TestCase("172.32.0.1", true)]
    [TestCase("192.168.1.1", false)]
    [TestCase("224.0.0.1", false)]
    [TestCase("255.255.255.255", false)]
    [TestCase("::", false)]
    [TestCase("::1", false)]
    [TestCase("::ffff:127.0.0.1", false)]
    [TestCase("::ffff:8.8.8.8", true)]
    [TestCase("64:ff9b::7f00:1", false)]
    [TestCase("2002:7f00:1::", false)]
    [TestCase("fd00::1", false)]
    [TestCase("fe80::1", false)]
    [TestCase("ff02::1", false)]
    [TestCase("2001:db8::1", false)]
    public void IsPublic_Address_IsAsRegistered(string address, bool expected) =>
        Assert.That(PublicAddresses.IsPublic(IPAddress.Parse(address)), Is.EqualTo(expected));

    private static IEnumerable<TestCaseData> Headers()
    {
        yield return new TestCaseData(Png, "image/png", 1, 1).SetArgDisplayNames("PNG");
        yield return new TestCaseData(
            new byte[] { 0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC2, 0, 17, 8, 1, 0, 2, 0, 3 },
            "image/jpeg",
            512,
            256
        ).SetArgDisplayNames("JPEG");
        yield return new TestCaseData(
            (byte[])[.. "RIFF\0\0\0\0WEBPVP8X"u8, 10, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 49, 0, 0],
            "image/webp",
            100,
            50
        ).SetArgDisplayNames("WebP extended");
        yield return new TestCaseData(
            (byte[])[.. "RIFF\0\0\0\0WEBPVP8 "u8, 10, 0, 0, 0, 0, 0, 0, 0x9D, 1, 0x2A, 64, 0, 32, 0],
            "image/webp",
            64,
            32
        ).SetArgDisplayNames("WebP lossy");
        yield return new TestCaseData(
            (byte[])[.. "RIFF\0\0\0\0WEBPVP8L"u8, 10, 0, 0, 0, 0x2F, 63, 0xC0, 7, 0, 0, 0, 0, 0, 0],
            "image/webp",
            64,
            32
        ).SetArgDisplayNames("WebP lossless");
    }

    [TestCaseSource(nameof(Headers))]
    public void Read_Header_GivesKindAndSize(byte[] bytes, string type, int width, int height) =>
        Assert.That(PictureHeader.Read(bytes), Is.EqualTo(new PictureHeader(type, width, height)));

    [TestCase(1, 30, 20), TestCase(3, 30, 20), TestCase(6, 20, 30), TestCase(8, 20, 30)]
    public void Header_WithExifOrientation_HasTheSizeAsItIsLookedAt(int orientation, int width, int height)
    {
        byte[] exif = [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        var picture = new Picture(30, 20, 3);
        byte[] jpeg = PictureCodec.Encode(picture, PictureFormat.Jpeg);
        byte[] app1 = [0xFF, 0xE1, 0, (byte)(exif.Length + 8), .. "Exif\0\0"u8, .. exif];
        byte[] png = PictureCodec.Encode(picture, PictureFormat.Png);
        byte[] chunk = [0, 0, 0, (byte)exif.Length, .. "eXIf"u8, .. exif, 0, 0, 0, 0];

        foreach (byte[] file in new byte[][] { [.. jpeg[..2], .. app1, .. jpeg[2..]], [.. png[..33], .. chunk, .. png[33..]] })
        {
            PictureHeader header = PictureHeader.Read(file)!;
            Assert.That((header.Width, header.Height), Is.EqualTo((width, height)), header.ContentType);
        }
    }

    private async Task<(StoredPicture? Picture, string? Error)> ResolveAsync(string value)
    {
        var errors = new FieldErrors();
        StoredPicture? picture = await _api.Get<InputPictures>()
            .ResolveAsync("image", PictureSource.Of(value), _api.Account, errors, default);
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

    private static async Task<WebApplication> StartSiteAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        // At every address, so that one of this machine's can lead to another
        builder.WebHost.UseUrls("http://0.0.0.0:0");
        builder.Logging.ClearProviders();
        WebApplication site = builder.Build();
        site.MapGet("/picture", () => Results.Bytes(Png, "text/plain"));
        site.MapGet("/redirect", (int times) => Results.Redirect(times == 1 ? "/picture" : $"/redirect?times={times - 1}"));
        site.MapGet("/elsewhere", () => Results.Redirect("file:///etc/passwd"));
        site.MapGet("/away", (string to) => Results.Redirect(to));
        site.MapGet("/text", () => "hello");
        site.MapGet("/large", () => Results.Bytes(new byte[100_001]));
        site.MapGet("/endless", async (HttpContext http) =>
        {
            byte[] chunk = new byte[10_000];
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.Body.WriteAsync(chunk, http.RequestAborted);
            }
        });
        site.MapGet("/slow", async (HttpContext http) => await Task.Delay(Timeout.Infinite, http.RequestAborted));
        await site.StartAsync();
        return site;
    }
}
