using System.Text.Json.Nodes;
using Generation.Api.Models;
using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>This face's calls about the account, the models and how busy the system is.</summary>
internal sealed class ModelsLabAccount(
    ModelsLabTable table,
    ModelDirectory models,
    LoadCache loads,
    AccountStore accounts,
    JobQueries queries
)
{
    /// <summary>system_load: {queue_num, queue_time, status}.</summary>
    public async Task<JsonNode> LoadAsync(CancellationToken cancellationToken)
    {
        LoadFigures total = LoadApi.AnswerOf(await loads.GetAsync(cancellationToken)).Total;
        return new JsonObject
        {
            ["queue_num"] = total.Queued,
            ["queue_time"] = (long)Math.Ceiling(total.WaitSeconds ?? 0),
            ["status"] = "ok",
        };
    }

    /// <summary>system_details: workers and what they do.</summary>
    public async Task<JsonNode> DetailsAsync(CancellationToken cancellationToken)
    {
        LoadFigures total = LoadApi.AnswerOf(await loads.GetAsync(cancellationToken)).Total;
        JsonObject answer = ModelsLabAnswers.Done("System details");
        answer["data"] = new JsonObject
        {
            ["servers"] = total.Workers,
            ["slots"] = total.Slots,
            ["free_slots"] = total.FreeSlots,
            ["queue_num"] = total.Queued,
            ["processing"] = total.Running,
            ["queue_time"] = (long)Math.Ceiling(total.WaitSeconds ?? 0),
        };
        return answer;
    }

    /// <summary>model_list: an array.</summary>
    public async Task<JsonNode> ModelsAsync(CancellationToken cancellationToken)
    {
        var list = new JsonArray();
        foreach (ModelEntry model in (await models.ModelsAsync(cancellationToken)).Values.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            ModelLoad load = await loads.OfAsync(model.Name, cancellationToken);
            list.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["model_id"] = model.Name,
                        ["status"] = load.Workers > 0 ? "model_ready" : "model_offline",
                        ["created_at"] = null,
                        ["instance_prompt"] = null,
                        ["model_name"] = model.Name,
                        ["description"] = model.Description,
                        ["screenshots"] = "",
                        ["model_category"] = model.Family,
                    }
            );
        }

        return list;
    }

    /// <summary>schedulers_list: the service's names that this system has.</summary>
    public async Task<JsonNode> SchedulersAsync(CancellationToken cancellationToken)
    {
        var known = (await models.SchedulersAsync(cancellationToken)).Select(s => s.Name).ToHashSet();
        return new JsonArray([.. table.Schedulers.Where(s => known.Contains(s.Value)).Select(s => (JsonNode)s.Key)]);
    }

    /// <summary>model_reload and verify_model: whether there is such a model; loading is the workers' own affair.</summary>
    /// <exception cref="ProblemException">There is no such model.</exception>
    public async Task<JsonNode> VerifyModelAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        string? name = call.Body.Text("model_id");
        call.Fields.Model = name;
        if (name is null)
        {
            throw new ProblemException(
                422,
                "invalid_request",
                "model_id: is required.",
                new Dictionary<string, string[]> { ["model_id"] = ["is required"] }
            );
        }

        var names = new ModelsLabNames(table, catalogue, await models.SchedulersAsync(cancellationToken));
        ModelEntry? model = names.Model(name, JobKind.Text2Img) ?? names.Model(name, JobKind.SuperResolution);
        return model is null
            ? throw new ProblemException(
                404,
                "model_not_found",
                $"There is no model '{ErrorText.Shown(name)}'.",
                new Dictionary<string, string[]> { ["model"] = ["is not there"] }
            )
            : ModelsLabAnswers.Done($"Model {name} is ready");
    }

    /// <summary>processing/request_count: how many of the account's jobs are not done.</summary>
    public async Task<JsonNode> RequestCountAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        JsonObject answer = ModelsLabAnswers.Done("Current processing request count retrieved successfully");
        answer["processing_count"] = await queries.OpenCountAsync(call.Caller.AccountId, cancellationToken);
        return answer;
    }

    /// <summary>wallet_balance: {status, data {balance, currency}}.</summary>
    public async Task<JsonNode> BalanceAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        Account account = await accounts.FindAsync(call.Caller.AccountId, cancellationToken)
            ?? throw new InvalidOperationException("A valid key's account is there.");
        return new JsonObject
        {
            ["status"] = "success",
            ["data"] = new JsonObject { ["balance"] = account.Balance.Value, ["currency"] = table.Currency },
        };
    }
}
