#define _GNU_SOURCE /* syscall */
#include "base/cpu.h"

#include <cpuid.h>
#include <string.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

static bool has_avx512bf16(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

/* The short form of the instruction: leaf 7, subleaf 1, EAX bit 4. */
static bool has_avx2vnni(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

/* Linux lets a process use the tile registers only once it has asked (arch_prctl, ARCH_REQ_XCOMP_PERM of component 18): all its threads have them then,
 * and larger signal frames. To ask again is no error, so that no state has to be kept. */
static bool may_use_tiles(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return false;
#endif
}

/* Leaf 7, EDX: products of bf16 (bit 22), tiles (24), products of bytes (25). */
static bool has_avx512amx(void) {
    enum { NEEDED = 1 << 22 | 1 << 24 | 1 << 25 };
    unsigned a = 0, b = 0, c = 0, d = 0;
    bool has = has_avx512vnni() && __builtin_cpu_supports("avx512bf16") && __get_cpuid_count(7, 0, &a, &b, &c, &d);
    return has && (d & NEEDED) == NEEDED && may_use_tiles();
}

/* Levels of the psABI from the best down; behind them, what is asked for by name only. */
static const struct {
    const char *arch;
    bool (*has)(void);
} levels[] = {{"avx512", has_avx512},         {"avx2", has_avx2},         {"v2", has_v2}, {"avx512amx", has_avx512amx}, {"avx512vnni", has_avx512vnni},
              {"avx512bf16", has_avx512bf16}, {"avx2vnni", has_avx2vnni},
              {"avx512split", has_avx2}};

enum { N_LEVELS = sizeof levels / sizeof levels[0], N_BEST = 3 };

const char *tg_cpu_best(void) {
    __builtin_cpu_init();
    size_t i = 0;
    while (i + 1 < N_BEST && !levels[i].has()) {
        i++;
    }
    return levels[i].arch;
}

static bool has_named(const char *name, size_t n) {
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strlen(levels[i].arch) == n && memcmp(levels[i].arch, name, n) == 0) {
            return levels[i].has();
        }
    }
    return false;
}

bool tg_cpu_runs(const char *arch) {
    __builtin_cpu_init();
    for (;;) {
        size_t n = strcspn(arch, "+");
        if (!has_named(arch, n) || !arch[n]) {
            return has_named(arch, n);
        }
        arch += n + 1;
    }
}
