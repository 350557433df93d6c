using Generation.Api;
using Generation.Api.Faces;

// migrate, keys and audit: one-off commands over the same configuration
if (args is ["migrate" or "keys" or "audit", ..])
{
    return await OperatorCommands.RunAsync(args);
}

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.AddStorage();
builder.AddWeb();
builder.AddKeyAuthentication();
builder.AddLimits();
builder.AddSafety();
builder.AddInputs();
builder.AddWebhooks();
builder.AddRetention();
builder.AddAdmin();
builder.AddDispatch();
builder.AddHealth();
builder.AddFaces();
builder.AddApiDescription();

WebApplication app = builder.Build();
app.UseProblems();
app.UseMiddleware<PollLane>();
app.UseFaces();

// Behind the faces, which may move a path
app.UseRouting();
app.UseAuthentication();
app.UseAuthorization();
app.UseRateLimits();
app.MapSubmissions();
app.MapJobs();
app.MapJobEvents();
app.MapUploads();
app.MapSystem();
app.MapModels();
app.MapAccount();
app.MapWebhooks();
app.MapAdmin();
app.MapSafety();
app.MapFaces();
app.MapHealth();
app.MapApiDescription();
await app.RunAsync();
return 0;

/// <summary>The API with its dispatcher and rescuer; public so that tests can host it.</summary>
public sealed partial class Program;
