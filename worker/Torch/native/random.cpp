// Generators and what they draw. The CPU generator is torch's: a Mersenne twister, and Box-Muller in blocks of 16.
#include "shim.h"

using namespace shim;

using G = at::Generator*;

#define OPTIONS int32_t dtype, int32_t device_type, int32_t device_index
#define MADE_OF options(dtype, device_type, device_index)

static compat::optional<at::Generator> maybe_generator(G generator)
{
    return generator == nullptr ? compat::optional<at::Generator>() : compat::optional<at::Generator>(*generator);
}

GT_API G gt_generator(uint64_t seed, int32_t device_type, int32_t device_index)
{
    G made = nullptr;
    run("Generator", [&] {
        TORCH_CHECK(device_type == 0, "generators of our own are CPU generators; the noise of a picture comes from one");
        made = new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed));
    });
    return made;
}

GT_API G gt_default_generator() { return new at::Generator(at::detail::getDefaultCPUGenerator()); }
GT_API void gt_generator_free(G generator) { delete generator; }

GT_API int32_t gt_generator_manual_seed(G generator, uint64_t seed)
{
    return run("manual_seed", [&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_current_seed(seed);
    });
}

GT_API uint64_t gt_generator_initial_seed(G generator) { return generator->current_seed(); }

GT_API uint64_t gt_generator_seed(G generator)
{
    std::lock_guard<std::mutex> lock(generator->mutex());
    return generator->seed();
}

GT_API T gt_generator_get_state(G generator) { return make("get_state", [&] { return generator->get_state(); }); }

GT_API int32_t gt_generator_set_state(G generator, T state)
{
    return run("set_state", [&] { generator->set_state(*state); }, state);
}

GT_API T gt_randn(Longs size, G generator, OPTIONS)
{
    return make("randn", [&] { return at::randn(list(size), maybe_generator(generator), MADE_OF); }, size);
}

GT_API T gt_rand(Longs size, G generator, OPTIONS)
{
    return make("rand", [&] { return at::rand(list(size), maybe_generator(generator), MADE_OF); }, size);
}

GT_API T gt_randint(int64_t low, int64_t high, Longs size, G generator, OPTIONS)
{
    return make("randint", [&] { return at::randint(low, high, list(size), maybe_generator(generator), MADE_OF); }, low, high, size);
}

GT_API T gt_randperm(int64_t n, G generator, OPTIONS)
{
    return make("randperm", [&] { return at::randperm(n, maybe_generator(generator), MADE_OF); }, n);
}

GT_API T gt_randn_like(T a, OPTIONS) { return make("randn_like", [&] { return at::randn_like(*a, MADE_OF); }, a); }
GT_API T gt_rand_like(T a, OPTIONS) { return make("rand_like", [&] { return at::rand_like(*a, MADE_OF); }, a); }

GT_API int32_t gt_normal_(T a, double mean, double std, G generator)
{
    return run("normal_", [&] { a->normal_(mean, std, maybe_generator(generator)); }, a, mean, std);
}

GT_API int32_t gt_uniform_(T a, double from, double to, G generator)
{
    return run("uniform_", [&] { a->uniform_(from, to, maybe_generator(generator)); }, a, from, to);
}

GT_API T gt_multinomial(T a, int64_t samples, int32_t replacement, G generator)
{
    return make("multinomial", [&] { return at::multinomial(*a, samples, replacement != 0, maybe_generator(generator)); }, a, samples);
}
