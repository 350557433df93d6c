// The C interface: which kernel, how many threads, memory.
#include "attention/attention.h"
#include "cpu.h"
#include "memory.h"
#include "peak/peak.h"
#include "tiles/tiles.h"
#include <cstdlib>
#include <cstring>

struct gk_layer {
    tiles::Shape shape;
    char* packed;
    int64_t bytes;
    float* bias;
};

namespace {

const cpu::Features& features()
{
    static const cpu::Features found = cpu::ask();
    return found;
}

// A second thread costs some microseconds, which a smaller share of a call does not win back.
constexpr double operations_a_thread = int64_t{1} << 22;

// One or all: the runtime ends threads that a call leaves out, and starts them again at the next.
int64_t threads_for(const gk_team& team, double operations)
{
    return team.parallel == nullptr || team.threads < 1 || operations < 2 * operations_a_thread ? 1 : team.threads;
}

// body(thread, share) in each thread, until all units are done.
template <class Body>
void run_on(const gk_team& team, int64_t threads, int64_t count, const Body& body)
{
    struct Call {
        const Body& body;
        Units units;

        static void enter(void* data)
        {
            Call& call = *static_cast<Call*>(data);
            const int64_t thread = call.units.enter();
            call.body(thread, Units::Share(call.units, thread));
        }
    };
    Call call{body, Units(count, threads)};
    if (threads > 1 && count > 1) {
        team.parallel(Call::enter, &call, static_cast<unsigned>(threads), 0);
    } else {
        Call::enter(&call);
    }
}

int64_t line_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// Some pictures of the batch.
int32_t attend(const attention::Kernel& kernel, const gk_attention& task, const gk_team& team)
{
    const double pairs = static_cast<double>(task.batch * task.heads * task.keys) * static_cast<double>(task.size);
    const int64_t packers = threads_for(team, 32 * pairs), runners = threads_for(team, 4 * pairs * static_cast<double>(task.length));
    const int64_t packed_bytes = line_up(kernel.packed_bytes(task)), scratch_bytes = line_up(kernel.scratch_bytes(task));
    const memory::Scratch room(packed_bytes + runners * scratch_bytes);
    char* packed = room.at();
    if (packed == nullptr) {
        return GK_NO_MEMORY;
    }
    run_on(team, packers, kernel.pack_units(task), [&](int64_t, Units::Share share) { kernel.pack(task, packed, share); });
    run_on(team, runners, kernel.run_units(task), [&](int64_t thread, Units::Share share) {
        kernel.run(task, packed, packed + packed_bytes + thread * scratch_bytes, share);
    });
    return GK_DONE;
}

const tiles::Kernel* layers(int32_t instructions) { return gk_instructions(instructions) == GK_AMX_BF16 ? &tiles::amx_bf16 : nullptr; }

}  // namespace

int32_t gk_version(void) { return GK_VERSION; }

int32_t gk_instructions(int32_t most)
{
    return most >= GK_AMX_BF16 && features().amx_bf16 ? GK_AMX_BF16 : most >= GK_AVX512_BF16 && features().avx512_bf16 ? GK_AVX512_BF16 : GK_BASELINE;
}

int32_t gk_attention_run(const gk_attention* task, const gk_team* team, int32_t instructions)
{
    const int32_t found = gk_instructions(instructions);
    if (found == GK_BASELINE || task->keys <= 0) {
        return GK_NOT_TAKEN;
    }
    if (task->batch <= 0 || task->heads <= 0 || task->length <= 0 || task->size <= 0) {
        return GK_DONE;
    }
    const attention::Kernel& kernel = found == GK_AMX_BF16 ? attention::amx_bf16 : attention::avx512_bf16;
    // packed keys and values of so many pictures at a time
    constexpr int64_t most_packed = int64_t{32} << 20;
    gk_attention part = *task;
    part.batch = 1;
    const int64_t one = kernel.packed_bytes(part), step = one < most_packed ? most_packed / one : 1;
    for (int64_t first = 0; first < task->batch; first += step) {
        part.batch = first + step < task->batch ? step : task->batch - first;
        part.query = task->query + first * task->query_batch;
        part.key = task->key + first * task->key_batch;
        part.value = task->value + first * task->value_batch;
        part.out = task->out + first * task->out_batch;
        part.mask = task->mask == nullptr ? nullptr : task->mask + first * task->mask_batch;
        const int32_t result = attend(kernel, part, *team);
        if (result != GK_DONE) {
            return result;
        }
    }
    return GK_DONE;
}

int64_t gk_layer_bytes(const gk_layer_shape* shape, int32_t instructions)
{
    const tiles::Kernel* kernel = layers(instructions);
    const tiles::Shape asked{*shape};
    return kernel != nullptr && kernel->takes(asked) ? kernel->packed_bytes(asked) : 0;
}

gk_layer* gk_layer_pack(const gk_layer_shape* shape, const uint16_t* weight, const float* bias, const gk_team* team, int32_t instructions)
{
    const int64_t bytes = gk_layer_bytes(shape, instructions);
    gk_layer* layer = bytes == 0 ? nullptr : static_cast<gk_layer*>(std::calloc(1, sizeof(gk_layer)));
    if (layer == nullptr) {
        return nullptr;
    }
    layer->shape = tiles::Shape{*shape};
    layer->packed = static_cast<char*>(memory::map(bytes));
    layer->bytes = bytes;
    const size_t bias_bytes = static_cast<size_t>(shape->outputs) * sizeof(float);
    layer->bias = bias == nullptr ? nullptr : static_cast<float*>(std::malloc(bias_bytes));
    if (layer->packed == nullptr || (bias != nullptr && layer->bias == nullptr)) {
        gk_layer_free(layer);
        return nullptr;
    }
    if (bias != nullptr) {
        std::memcpy(layer->bias, bias, bias_bytes);
    }
    const tiles::Kernel& kernel = *layers(instructions);
    const int64_t threads = threads_for(*team, 64 * static_cast<double>(bytes));
    run_on(*team, threads, kernel.pack_units(layer->shape), [&](int64_t, Units::Share share) { kernel.pack(layer->shape, weight, layer->packed, share); });
    return layer;
}

void gk_layer_free(gk_layer* layer)
{
    if (layer != nullptr) {
        memory::unmap(layer->packed, layer->bytes);
        std::free(layer->bias);
        std::free(layer);
    }
}

int32_t gk_layer_run(const gk_layer* layer, const gk_layer_task* task, const gk_team* team)
{
    // weights were packed for what this processor has
    const tiles::Kernel& kernel = tiles::amx_bf16;
    tiles::Task work{};
    static_cast<gk_layer_task&>(work) = *task;
    work.shape = layer->shape;
    work.packed = layer->packed;
    work.bias = layer->bias;
    if (work.rows() <= 0) {
        return GK_DONE;
    }
    const double operations = 2 * static_cast<double>(work.rows()) * static_cast<double>(layer->bytes) / 2;
    const int64_t threads = threads_for(*team, operations), units = kernel.plan(work, threads), scratch_bytes = kernel.scratch_bytes(work);
    const memory::Scratch scratch(threads * scratch_bytes);
    if (scratch.at() == nullptr) {
        return GK_NO_MEMORY;
    }
    run_on(*team, threads, units, [&](int64_t thread, Units::Share share) { kernel.run(work, scratch.at() + thread * scratch_bytes, share); });
    return GK_DONE;
}

double gk_peak_run(int64_t rounds, const gk_team* team, int32_t instructions)
{
    if (instructions != GK_AMX_BF16 && instructions != GK_AVX512_BF16) {
        return 0;
    }
    if (gk_instructions(instructions) != instructions) {
        return 0;
    }
    const peak::Loop& loop = instructions == GK_AMX_BF16 ? peak::amx_bf16 : peak::avx512_bf16;
    const int64_t threads = team->parallel == nullptr || team->threads < 1 ? 1 : team->threads;
    run_on(*team, threads, threads, [&](int64_t, Units::Share share) {
        while (share.next() >= 0) {
            loop.run(rounds);
        }
    });
    return loop.operations * static_cast<double>(rounds * threads);
}
