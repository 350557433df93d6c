using Generation.Api.Accounts;
using Generation.Api.Admin;
using Generation.Api.Authentication;
using Generation.Api.Commands;
using Generation.Api.Dispatch;
using Generation.Api.Faces;
using Generation.Api.History;
using Generation.Api.Inputs;
using Generation.Api.Jobs;
using Generation.Api.Limits;
using Generation.Api.Models;
using Generation.Api.OpenApi;
using Generation.Api.Page;
using Generation.Api.Pricing;
using Generation.Api.Retention;
using Generation.Api.Safety;
using Generation.Api.Sessions;
using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Api.Webhooks;
using Generation.Diagnostics.Logging;
using Generation.Diagnostics.Settings;
using Generation.Storage;

// One-off commands over the same configuration
if (args is ["migrate" or "keys" or "audit" or "results" or "backup" or "restore", ..])
{
    return await OperatorCommands.RunAsync(args);
}

if (args is ["settings"])
{
    Console.WriteLine(SettingsList.Json(typeof(Program).Assembly, typeof(StorageServices).Assembly));
    return 0;
}

LogOutput.Use(typeof(Program).Assembly);
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration.AddSettingsFile();
builder.Configuration.AddLogDefaults();
builder.AddStorage();
builder.AddWeb();
builder.AddProxies();
builder.AddCrossOrigins();
builder.AddAccounts();
builder.AddModels();
builder.AddLoad();
builder.AddPricing();
builder.AddKeyAuthentication();
builder.AddSessions();
builder.AddLimits();
builder.AddSafety();
builder.AddInputs();
builder.AddWebhooks();
builder.AddRetention();
builder.AddAdmin();
builder.AddHistory();
builder.AddDispatch();
builder.AddJobs();
builder.AddHealth();
builder.AddFaces();
builder.AddApiDescription();
builder.AddPage();

WebApplication app = builder.Build();
app.UseProxies();
app.UseHeadRequests();
app.UseProblems();
app.UseCors();
app.UsePage();
app.UseMiddleware<SessionMiddleware>();
app.UseMiddleware<JobPollMiddleware>();
app.UseFaces();

// Behind the faces, which may move a path
app.UseRouting();
app.UseHeadRoutes();
app.UseAuthentication();
app.UseAuthorization();
app.UseMiddleware<OpenAnswersMiddleware>();
app.UseRateLimits();
app.MapSubmissions();
app.MapJobs();
app.MapJobEvents();
app.MapUploads();
app.MapLoad();
app.MapModels();
app.MapAccount();
app.MapSessions();
app.MapWebhooks();
app.MapAdmin();
app.MapHistory();
app.MapSafety();
app.MapFaces();
app.MapHealth();
app.MapApiDescription();
await app.RunAsync();
return 0;

/// <summary>The API with its dispatcher and rescuer; public so that tests can host it.</summary>
public sealed partial class Program;
