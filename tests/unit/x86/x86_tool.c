/* Checks or times one IR file:  x86_tool FILE [rounds] | x86_tool FILE time M=1024 N=1024 … | x86_tool FILE llvm|asm|plan */
#include "tests/support/x86_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int time_it(const char *text, int argc, char **argv) {
    int64_t dims[26];
    for (int i = 0; i < 26; i++) {
        dims[i] = 64;
    }
    for (int i = 0; i < argc; i++) {
        dims[argv[i][0] - 'A'] = atol(argv[i] + 2);
    }
    x86_options o = {.n_threads = 1};
    for (int warm = 0; warm < 3; warm++) {
        x86_kernel *k = x86_open(text, &o);
        printf("compile %.2f ms%s%s\n", k->compile_ms, k->error ? ": " : "", k->error ? k->error : "");
        if (warm == 2 && !k->error) {
            x86_args a;
            const void *p[32];
            x86_args_make(&a, k->f, text, dims, X86_DENSE, 1234567);
            x86_args_pointers(&a, p);
            double best = 1e9;
            for (int r = 0; r < 20; r++) {
                double t = now();
                x86_launch(k, p);
                t = now() - t;
                best = t < best ? t : best;
            }
            size_t bytes = 0;
            for (uint32_t i = 0; i < a.n; i++) {
                bytes += a.list[i].bytes;
            }
            printf("%.3f ms, %.2f GB/s of arguments\n", best * 1e3, (double)bytes / best * 1e-9);
        }
        x86_close(k);
    }
    return 0;
}

static int run(const char *text, int argc, char **argv) {
    const char *mode = argc > 2 ? argv[2] : "20";
    if (strcmp(mode, "time") == 0) {
        return time_it(text, argc - 3, argv + 3);
    }
    if (mode[0] >= 'a') {
        unsigned e = mode[0] == 'l' ? TG_EMIT_LLVM : mode[0] == 'a' ? TG_EMIT_ASM : TG_EMIT_PLAN;
        x86_options o = {.emit = e, .baseline = argc > 3};
        x86_kernel *k = x86_open(text, &o);
        const char *out = e == TG_EMIT_LLVM ? k->object.llvm_text : e == TG_EMIT_ASM ? k->object.asm_text : k->object.plan_text;
        printf("%s\n", k->error ? k->error : out);
        x86_close(k);
        return 0;
    }
    const char *bad = x86_differential(text, atoi(mode), 88172645463325252ULL);
    printf("%s: %s\n", argv[1], bad ? bad : "ok");
    return bad != NULL;
}

int main(int argc, char **argv) {
    char *text = argc > 1 ? x86_read_file(argv[1]) : NULL;
    int code = text ? run(text, argc, argv) : 2;
    free(text);
    return code;
}
