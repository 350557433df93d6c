using Generation.Diagnostics.Logging;
using Generation.Diagnostics.Settings;
using Generation.Service.Hosting;
using Generation.Service.Models;
using Generation.Service.Rendering;
using Generation.Service.Running;
using Generation.Storage;

if (args is ["models", "add", .. string[] model])
{
    return ModelAddition.Run(model, Console.Out, Console.Error);
}

if (args is ["settings"])
{
    Console.WriteLine(SettingsList.Json(typeof(WorkerHost).Assembly, typeof(StorageServices).Assembly));
    return 0;
}

LogOutput.Use(typeof(WorkerHost).Assembly);
WebApplication worker = WorkerHost.Build(args);
ProcessRecycler recycler = worker.Services.GetRequiredService<ProcessRecycler>();
await worker.RunAsync();

if (recycler.IsRequested)
{
    ProcessRecycler.BeginAnew();
    return 75; // EX_TEMPFAIL: whoever supervises the process starts it again
}

if (ComputeThread.IsAnyComputing)
{
    ProcessExit.AtOnce(0);
}

return 0;
