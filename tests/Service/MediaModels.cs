using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Results;
using Generation.TestSupport;

namespace Generation.Service.Tests;

/// <summary>The models that tests of checkers, masks, enlarging and clips run on.</summary>
internal sealed class MediaModels : IDisposable
{
    private readonly TestModels _models = new();

    public MediaModels()
    {
        _models.WriteDemo();
        _models.WriteDemo("linear", entry =>
            entry["motion_scheduler"] = new JsonObject { ["beta_schedule"] = "linear", ["rescale_betas_zero_snr"] = false }
        );
        _models.WriteDemo("strict", entry => entry["safety_checker"] = _models.SafetyChecker("strict-checker", -Half.One));
        _models.WriteDemo("lenient", entry => entry["safety_checker"] = _models.SafetyChecker("lenient-checker", Half.One));
        _models.WriteDemo("finder", entry => entry["mask_finder"] = _models.MaskFinder());
        WriteEnlarger("enlarger", TestModels.Embedded("demo-upscaler"), entry => { });
        WriteEnlarger("x4", TestModels.Golden("models", "x4_upscaler"), entry =>
        {
            entry["default_steps"] = 5;
            entry["max_steps"] = 50;
            entry["default_scheduler"] = "auto";
        });
        _models.WriteSvd();
    }

    public string Folder => _models.Folder;

    public void Dispose() => _models.Dispose();

    /// <summary>A picture in the results store, as the API leaves it for a worker.</summary>
    public static async Task<StoredPicture> StoreAsync(IResultsStore results, Picture picture)
    {
        byte[] file = PictureCodec.Encode(picture, PictureFormat.Png);
        return new StoredPicture(
            await results.PutAsync(file, "image/png", CancellationToken.None),
            "image/png",
            file.Length,
            picture.Width,
            picture.Height
        );
    }

    private void WriteEnlarger(string name, string path, Action<JsonObject> change)
    {
        var entry = new JsonObject
        {
            ["name"] = name,
            ["family"] = name,
            ["kinds"] = new JsonArray("super-resolution"),
            ["path"] = path,
            ["scale"] = 4,
            ["min_side"] = 8,
            ["max_side"] = 1024,
            ["max_pixels"] = 1 << 20,
        };
        change(entry);
        _models.Write(entry);
    }
}
