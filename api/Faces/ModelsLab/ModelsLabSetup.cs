using Generation.Api.Faces.Shared;
using Generation.Api.Webhooks;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>The parts of this face.</summary>
internal static class ModelsLabSetup
{
    public static void AddModelsLabFace(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(FaceTable.Read<ModelsLabTable>(ModelsLabTable.Name, configuration));
        services.AddSingleton<ModelsLabAnswers>();
        services.AddSingleton<ModelsLabPictures>();
        services.AddSingleton<ModelsLabAccount>();
        services.AddSingleton<ModelsLabJobs>();
        services.AddSingleton<IWebhookFormat, ModelsLabWebhook>();
        services.AddSingleton<IFace, ModelsLabFace>();
    }
}
