using Generation.Api.Faces.Shared;

namespace Generation.Api.Faces.Stablecog;

/// <summary>The parts of this face.</summary>
internal static class StablecogSetup
{
    public static void AddStablecogFace(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(FaceTable.Read<StablecogTable>(StablecogTable.Section, configuration));
        services.AddSingleton<StablecogPictures>();
        services.AddSingleton<StablecogGenerations>();
        services.AddSingleton<StablecogUpscales>();
        services.AddSingleton<StablecogLists>();
        services.AddSingleton<IFace, StablecogFace>();
    }
}
