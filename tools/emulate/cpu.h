/* Included before everything else where the code is built for emulation (scripts/emulate): to the program the processor is the one that
 * EMULATED_CPU names, to the compiler and the system it is the one at hand. Without that variable nothing changes. */
#ifndef TG_TOOLS_EMULATE_CPU_H
#define TG_TOOLS_EMULATE_CPU_H

#include <cpuid.h>

extern char *getenv(const char *name); /* no header of the C library: files choose its features first */

/* The models of emulate.cc, each with all that those before it have, except that of the third. */
enum { EMULATED_NONE, EMULATED_SKYLAKE, EMULATED_CASCADELAKE, EMULATED_ZEN4, EMULATED_SAPPHIRERAPIDS, N_EMULATED };

static inline int emulated_model(void) {
    static const char *const names[N_EMULATED] = {"", "skylake", "cascadelake", "zen4", "sapphirerapids"};
    const char *name = getenv("EMULATED_CPU");
    int i = name ? N_EMULATED - 1 : 0;
    while (i && __builtin_strcmp(names[i], name)) {
        i--;
    }
    return i;
}

static inline int emulated_supports(const char *feature, int native) {
    static const struct {
        const char *name;
        int from;
    } later[] = {{"avx512vnni", EMULATED_CASCADELAKE}, {"avx512bf16", EMULATED_ZEN4}, {"avx512fp16", EMULATED_SAPPHIRERAPIDS}};
    int model = emulated_model();
    if (!model || __builtin_strncmp(feature, "avx512", 6)) {
        return native;
    }
    for (unsigned i = 0; i < sizeof later / sizeof *later; i++) {
        if (!__builtin_strcmp(later[i].name, feature)) {
            return model >= later[i].from;
        }
    }
    return 1; /* what Skylake has: F, BW, DQ, VL, CD */
}

static inline int emulated_is(const char *vendor, int native) {
    int model = emulated_model(), amd = !__builtin_strcmp(vendor, "amd");
    return model && (amd || !__builtin_strcmp(vendor, "intel")) ? (model == EMULATED_ZEN4) == amd : native;
}

/* Leaf 7, EDX: products of bf16 (bit 22), tiles (24), products of bytes (25). */
static inline int emulated_cpuid(unsigned leaf, unsigned sub, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
    int known = __get_cpuid_count(leaf, sub, a, b, c, d), model = emulated_model();
    if (model && leaf == 7 && sub == 0) {
        unsigned tiles = 1u << 22 | 1u << 24 | 1u << 25;
        *d = model == EMULATED_SAPPHIRERAPIDS ? *d | tiles : *d & ~tiles;
    }
    return known;
}

#define __builtin_cpu_supports(feature) emulated_supports(feature, __builtin_cpu_supports(feature))
#define __builtin_cpu_is(vendor)        emulated_is(vendor, __builtin_cpu_is(vendor))
#define __get_cpuid_count               emulated_cpuid

#endif
