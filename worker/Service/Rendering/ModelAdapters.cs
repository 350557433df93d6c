using Generation.Contracts;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Service.Models;
using LoraUse = Generation.Diffusion.Adapters.LoraUse;

namespace Generation.Service.Rendering;

/// <summary>
/// Applies a job's LoRAs and its autoencoder to a model, and removes them again, after which the weights are as before, bit for bit.
/// </summary>
internal sealed class ModelAdapters(ModelLoader loader)
{
    /// <summary>Whether a request changes the model, so that no other job may use any of it meanwhile.</summary>
    public static bool AreAskedFor(PictureRequest request) => request.Loras is { Count: > 0 } || request.Vae is not null;

    /// <summary>Changes the model until the result is disposed. The caller must hold both turns of the model.</summary>
    /// <exception cref="SettingException">A LoRA or the autoencoder does not fit the model.</exception>
    public IDisposable Apply(LoadedModel model, PictureRequest request)
    {
        var changes = new Changes();
        try
        {
            if (request.Vae is { } vae)
            {
                changes.Add(model.Model.UseVae(loader.Vae(model, vae)));
            }

            if (request.Loras is { Count: > 0 } loras)
            {
                var uses = new List<LoraUse>();
                for (int i = 0; i < loras.Count; i++)
                {
                    uses.Add(new LoraUse(changes.Add(Read(loras[i].Model, i)), loras[i].Scale, loras[i].TextEncoderScale));
                }

                changes.Add(LoraSet.Apply(model.Model.Adaptable, uses));
            }

            return changes;
        }
        catch (LoraException e)
        {
            changes.Dispose();
            throw new SettingException("loras", $"do not fit {model.Entry.Name}: {loader.WithoutPath(e.Message)}");
        }
        catch
        {
            changes.Dispose();
            throw;
        }
    }

    private LoraAdapter Read(string name, int index)
    {
        try
        {
            return loader.Lora(name);
        }
        catch (Exception e) when (e is WeightsException or LoraException or FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SettingException($"loras[{index}].model", $"'{name}' cannot be read: {loader.WithoutPath(e.Message)}");
        }
    }

    private sealed class Changes : IDisposable
    {
        private readonly Stack<IDisposable> _all = new();

        public T Add<T>(T change)
            where T : IDisposable
        {
            _all.Push(change);
            return change;
        }

        public void Dispose()
        {
            while (_all.TryPop(out IDisposable? change))
            {
                change.Dispose();
            }
        }
    }
}
