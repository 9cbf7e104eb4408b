/* The machine this process runs on, and the levels that can be asked for by name. */
#include "targets/x86/x86_target.h"

#include "base/cpu.h"

#include <cpuid.h>
#include <string.h>
#include <unistd.h>

typedef struct level {
    const char *arch, *level, *cpu, *features;
    int bits, regs;
    bool fma, masks, vnni, amx, splits;
    int l1_kib, l2_kib, l3_kib; /* of a typical processor */
} level;

/* Requests of lines that will be written: AMD's processors have the instruction, on Intel's before Broadwell it does nothing. */
#define PREFETCHW "+prfchw"

#define VNNI PREFETCHW ",+avx512vnni"
#define AMX VNNI ",+avx512bf16,+amx-tile,+amx-int8,+amx-bf16"

/* x86-64-v4, v3 and v2 of the psABI; prefer-256-bit is off, vectors are as wide as we write them. Caches of Sapphire Rapids, Zen 4,
 * Cascade Lake, Alder Lake (the least of its two kinds of cores), Zen 2 and 3, Nehalem. The last level is for tests (split.c). */
static const level levels[] = {
    {"avx512amx", "avx512", "x86-64-v4", AMX, 512, 32, true, true, true, true, false, 48, 2048, 65536},
    {"avx512vnni", "avx512", "x86-64-v4", VNNI, 512, 32, true, true, true, false, false, 32, 1024, 32768},
    {"avx512", NULL, "x86-64-v4", PREFETCHW, 512, 32, true, true, false, false, false, 32, 1024, 24576},
    {"avx2vnni", "avx2", "x86-64-v3", PREFETCHW ",+avxvnni", 256, 16, true, false, true, false, false, 32, 1024, 24576},
    {"avx2", NULL, "x86-64-v3", PREFETCHW, 256, 16, true, false, false, false, false, 32, 512, 16384},
    {"v2", NULL, "x86-64-v2", PREFETCHW, 128, 16, false, false, false, false, false, 32, 256, 8192},
    {"avx512split", "avx512", "x86-64-v3", PREFETCHW, 512, 32, true, true, false, false, true, 32, 1024, 24576},
};

static int64_t cache_bytes(int name, int64_t otherwise) {
    long n = sysconf(name);
    return n > 0 ? n : otherwise;
}

/* The third level as the processor describes it. For those of AMD, sysconf answers what all of the package has. */
static int64_t third_level(int64_t otherwise) {
    for (unsigned leaf = 4; leaf; leaf = leaf == 4 ? 0x8000001d : 0) { /* Intel's, AMD's: the same fields */
        for (unsigned i = 0, a, b, c, d; __get_cpuid_count(leaf, i, &a, &b, &c, &d) && (a & 31); i++) {
            if ((a >> 5 & 7) == 3) {
                return (int64_t)((b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * (c + 1);
            }
        }
    }
    return otherwise;
}

int64_t tg_x86_share_of_last(const tg_machine *m) {
    return m->l3_bytes / 2 < 16 << 20 ? m->l3_bytes / 2 : 16 << 20;
}

/* Non-temporal stores: on Zen 3 a loop that adds two arrays in memory took 0.6 of the time with them, on Cascade Lake with one thread
 * 1.05. Sapphire Rapids and its successors, which have AVX512-FP16, write 17 to 20 GB/s with them from memory and 25 from the last cache;
 * with plain stores 11 to 13 and 16. A result that is read next comes from memory then: of 4 MiB, programs over 32 MiB take 1.15 of
 * the time, over 64 MiB 0.88 (docs/performance/x86-rows.md). */
static int64_t stream_bytes(const tg_machine *m) {
    bool recent = __builtin_cpu_supports("avx512fp16") != 0;
    return !m->has_fma ? 0 : !__builtin_cpu_is("intel") ? tg_x86_share_of_last(m) : recent ? 2 * m->l2_bytes : 0;
}

/* What is not known of a level, as that of AMD's processors that have no more; see describe_host. */
static void take_caches(const level *l, tg_machine *m, int64_t l1, int64_t l2, int64_t l3) {
    m->l1_bytes = l1;
    m->l2_bytes = l2;
    m->l3_bytes = l3;
    m->stream_bytes = l->fma && !l->masks ? tg_x86_share_of_last(m) : 0;
    m->requests = m->stream_bytes > 0;
    m->requests_rows = false;
}

static void describe(const level *l, tg_machine *m) {
    memset(m, 0, sizeof *m);
    m->family = "x86";
    m->arch = l->arch;
    m->level = l->level;
    m->needs = l->splits ? "avx2" : l->arch;
    m->cpu = l->cpu;
    m->features = l->features;
    m->vector_bits = l->bits;
    m->vector_regs = l->regs;
    m->has_fma = l->fma;
    m->has_masks = l->masks;
    m->has_f16c = l->fma;
    m->has_vnni = l->vnni;
    m->halves = l->masks;
    m->has_bf16 = m->has_amx = l->amx;
    m->splits = l->splits;
    take_caches(l, m, cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), cache_bytes(_SC_LEVEL2_CACHE_SIZE, 1 << 20),
                third_level(cache_bytes(_SC_LEVEL3_CACHE_SIZE, 16 << 20)));
    m->n_cores = (int)cache_bytes(_SC_NPROCESSORS_ONLN, 1);
    m->waits_for_results = l->masks;
}

/* What the host foresees, at whatever level. Zen 4 (AMD's, with AVX-512) copies 4 MiB in its last cache at 79 GB/s with requests of results, at 94
 * without, also by vectors of 256 bits (82 and 95); Zen 3 at 1.0 and 2.2 ns a vector of 8. */
static void describe_requests(tg_machine *m) {
    bool wide = __builtin_cpu_supports("avx512f") != 0, intel = __builtin_cpu_is("intel") != 0;
    m->requests = m->has_fma && !wide && !intel;
    m->requests_rows = m->has_fma && wide && !intel;
}

/* How the host does what its level says. Emerald Rapids foresees results, but GELU of 4096x4096 gained 1.5 from requests of
 * operands (docs/performance/x86-rows.md). Foresight: see docs/performance/x86-gemm.md, Emerald Rapids. */
static void describe_host(tg_machine *m) {
    m->stream_bytes = stream_bytes(m);
    describe_requests(m);
    m->waits_for_results = m->has_masks && !__builtin_cpu_is("intel");
    m->requests_far = m->foresees = m->has_masks && __builtin_cpu_is("intel");
    m->halves = m->has_masks && !__builtin_cpu_is("intel");
}

/* Instructions that the host has beyond its level. vdpbf16ps: Zen 4 starts one a cycle, Emerald Rapids one every other, where
 * products of 512^3 that are converted to f32 ran at 140 GFLOP/s instead of 70. */
static void add_instructions(tg_machine *m) {
    bool wide = strcmp(m->arch, "avx512") == 0;
    bool short_form = strcmp(m->arch, "avx2") == 0 && tg_cpu_runs("avx2vnni");
    m->has_vnni = short_form || (wide && tg_cpu_runs("avx512vnni"));
    m->has_bf16 = wide && tg_cpu_runs("avx512bf16");
    m->pairs_bf16 = m->has_bf16 && !__builtin_cpu_is("intel");
    m->has_amx = wide && tg_cpu_runs("avx512amx");
    static const struct {
        const char *features, *needs;
    } of_wide[] = {{PREFETCHW, "avx512"}, {VNNI, "avx512vnni"}, {PREFETCHW ",+avx512bf16", "avx512bf16"}, {VNNI ",+avx512bf16", "avx512vnni+avx512bf16"}};
    if (m->has_amx || short_form) {
        m->features = m->has_amx ? AMX : PREFETCHW ",+avxvnni";
        m->needs = m->has_amx ? "avx512amx" : "avx2vnni";
    } else if (wide) {
        m->features = of_wide[m->has_vnni + 2 * m->has_bf16].features;
        m->needs = of_wide[m->has_vnni + 2 * m->has_bf16].needs;
    }
}

void tg_x86_typical(tg_machine *m) {
    const level *l = levels;
    while (strcmp(l->arch, m->arch) != 0) {
        l++;
    }
    take_caches(l, m, (int64_t)l->l1_kib << 10, (int64_t)l->l2_kib << 10, (int64_t)l->l3_kib << 10);
}

bool tg_x86_machine(const char *arch, tg_machine *out) {
    bool native = !arch || strcmp(arch, "native") == 0 || strcmp(arch, "x86") == 0;
    bool host = native || strcmp(arch, "portable") == 0;
    const char *name = host ? tg_cpu_best() : arch;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(levels[i].arch, name) == 0) {
            describe(&levels[i], out);
            out->runs_here = tg_cpu_runs(name);
            if (host) {
                describe_host(out);
            } else if (out->runs_here && !out->splits) {
                describe_requests(out);
            }
            if (native) {
                add_instructions(out);
            }
            return true;
        }
    }
    return false;
}
