#include "base/cpu.h"

#include <cpuid.h>
#include <string.h>

static bool has_v2(void) { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }

static bool has_avx2(void) {
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}

static bool has_avx512vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

/* The short form of the instruction: leaf 7, subleaf 1, EAX bit 4. */
static bool has_avx2vnni(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

/* Levels of the psABI from the best down; behind them, what is asked for by name only. */
static const struct {
    const char *arch;
    bool (*has)(void);
} levels[] = {{"avx512", has_avx512}, {"avx2", has_avx2}, {"v2", has_v2}, {"avx512vnni", has_avx512vnni}, {"avx2vnni", has_avx2vnni}};

enum { N_LEVELS = sizeof levels / sizeof levels[0], N_BEST = 3 };

const char *tg_cpu_best(void) {
    __builtin_cpu_init();
    size_t i = 0;
    while (i + 1 < N_BEST && !levels[i].has()) {
        i++;
    }
    return levels[i].arch;
}

bool tg_cpu_runs(const char *arch) {
    __builtin_cpu_init();
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strcmp(levels[i].arch, arch) == 0) {
            return levels[i].has();
        }
    }
    return false;
}
