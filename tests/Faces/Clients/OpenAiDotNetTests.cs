using System.ClientModel;
using System.ClientModel.Primitives;
using Generation.Api.Inputs;
using OpenAI;
using OpenAI.Images;
using OpenAI.Models;

namespace Generation.Faces.Tests.Clients;

/// <summary>OpenAI's library for .NET against a real stack.</summary>
public sealed class OpenAiDotNetTests
{
    private FaceApi _api = null!;
    private OpenAIClient _client = null!;
    private string _folder = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _api = (await FaceStack.GetAsync()).Api;
        _client = ClientWith((await _api.NewUserAsync()).Key);
        _folder = Directory.CreateTempSubdirectory("face-clients-").FullName;
        await File.WriteAllBytesAsync(Image, TestPictures.Gradient());
        await File.WriteAllBytesAsync(Mask, TestPictures.Hole());
    }

    [OneTimeTearDown]
    public void Clear() => Directory.Delete(_folder, recursive: true);

    private string Image => Path.Combine(_folder, "image.png");

    private string Mask => Path.Combine(_folder, "mask.png");

    [Test]
    public async Task GenerateImage_Bytes_IsAPicture()
    {
        GeneratedImage image = await _client
            .GetImageClient("dall-e-3")
            .GenerateImageAsync(
                "a red apple",
                new ImageGenerationOptions
                {
                    ResponseFormat = GeneratedImageFormat.Bytes,
                    Size = GeneratedImageSize.W256xH256,
                    Quality = GeneratedImageQuality.Standard,
                    Style = GeneratedImageStyle.Vivid,
                    EndUserId = "u-1",
                },
                FaceStack.Limit()
            );

        Assert.That(PictureHeader.Read(image.ImageBytes.ToArray()), Is.EqualTo(new PictureHeader("image/png", 256, 256)));
        Assert.That(image.RevisedPrompt, Is.EqualTo("a red apple"));
    }

    [Test]
    public async Task GenerateImages_Uris_AreFetched()
    {
        GeneratedImageCollection images = await _client
            .GetImageClient("dall-e-2")
            .GenerateImagesAsync(
                "a red apple",
                2,
                new ImageGenerationOptions { ResponseFormat = GeneratedImageFormat.Uri, Size = GeneratedImageSize.W256xH256 },
                FaceStack.Limit()
            );

        using HttpClient anyone = _api.Client();
        Assert.That(images, Has.Count.EqualTo(2));
        Assert.That(images.CreatedAt, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(5)));
        foreach (GeneratedImage image in images)
        {
            Assert.That(
                PictureHeader.Read(await anyone.GetByteArrayAsync(image.ImageUri, FaceStack.Limit())),
                Is.EqualTo(new PictureHeader("image/png", 256, 256))
            );
        }
    }

    [Test]
    public async Task GenerateImageEdit_WithAMask_PaintsWhatIsTransparent()
    {
        GeneratedImage image = await _client
            .GetImageClient("dall-e-2")
            .GenerateImageEditAsync(
                Image,
                "a green pear",
                Mask,
                new ImageEditOptions { ResponseFormat = GeneratedImageFormat.Bytes, Size = GeneratedImageSize.W256xH256 }
            );

        (int inside, int outside) = TestPictures.Differences(TestPictures.Gradient(), image.ImageBytes.ToArray());
        Assert.That(outside, Is.Zero);
        Assert.That(inside, Is.GreaterThan(128 * 128 / 2));
    }

    [Test]
    public async Task GenerateImageEdit_DallE2WithoutAMask_TakesThePicturesOwnAlpha()
    {
        GeneratedImage image = await _client
            .GetImageClient("dall-e-2")
            .GenerateImageEditAsync(
                Mask,
                "a green pear",
                new ImageEditOptions { ResponseFormat = GeneratedImageFormat.Bytes, Size = GeneratedImageSize.W256xH256 }
            );

        (int inside, int outside) = TestPictures.Differences(TestPictures.Hole(), image.ImageBytes.ToArray());
        Assert.That(outside, Is.Zero);
        Assert.That(inside, Is.GreaterThan(128 * 128 / 2));
    }

    [Test]
    public async Task GenerateImageVariation_IsAnotherPicture()
    {
        GeneratedImage image = await _client
            .GetImageClient("dall-e-2")
            .GenerateImageVariationAsync(
                Image,
                new ImageVariationOptions { ResponseFormat = GeneratedImageFormat.Bytes, Size = GeneratedImageSize.W256xH256 }
            );

        (int inside, int outside) = TestPictures.Differences(TestPictures.Gradient(), image.ImageBytes.ToArray());
        Assert.That(inside + outside, Is.GreaterThan(256 * 256 / 2));
    }

    [Test]
    public async Task Models_List_HasTheCatalogue()
    {
        OpenAIModelCollection models = await _client.GetOpenAIModelClient().GetModelsAsync(FaceStack.Limit());
        OpenAIModel demo = models.Single(m => m.Id == "demo");
        Assert.That(demo.OwnedBy, Is.EqualTo("generation"));
        Assert.That(demo.CreatedAt, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromHours(1)));
    }

    [Test]
    public async Task GenerateImage_BadInputAndAnotherKey_AreTheLibrarysErrors()
    {
        ClientResultException invalid = (
            await Assert.ThrowsAsync<ClientResultException>(() =>
                _client
                    .GetImageClient("dall-e-2")
                    .GenerateImageAsync("a", new ImageGenerationOptions { Size = new GeneratedImageSize(9000, 16) })
            )
        )!;
        ClientResultException stranger = (
            await Assert.ThrowsAsync<ClientResultException>(() =>
                ClientWith("sk-nobody").GetImageClient("dall-e-2").GenerateImageAsync("a")
            )
        )!;

        Assert.That((invalid.Status, invalid.Message), Is.EqualTo((400, invalid.Message)));
        Assert.That(invalid.Message, Does.Contain("invalid_value").And.Contain("size"));
        Assert.That(stranger.Status, Is.EqualTo(401));
    }

    private OpenAIClient ClientWith(string key) =>
        new(
            new ApiKeyCredential(key),
            new OpenAIClientOptions
            {
                Endpoint = new Uri(_api.Address, "/v1"),
                NetworkTimeout = TimeSpan.FromMinutes(4),
                RetryPolicy = new ClientRetryPolicy(maxRetries: 1),
            }
        );
}
