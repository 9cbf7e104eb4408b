#include "base/cpu.h"

#include <string.h>

static bool has_v2(void) { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }

static bool has_avx2(void) {
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static const struct {
    const char *arch;
    bool (*has)(void);
} levels[] = {{"avx512", has_avx512}, {"avx2", has_avx2}, {"v2", has_v2}};

enum { N_LEVELS = sizeof levels / sizeof levels[0] };

const char *tg_cpu_best(void) {
    __builtin_cpu_init();
    size_t i = 0;
    while (i + 1 < N_LEVELS && !levels[i].has()) {
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
